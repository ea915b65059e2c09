/** The few changes to session descriptions that the browser has no call for. Pure. */

const OPUS = /^a=rtpmap:(\d+) opus\/48000/i;
const VIDEO = /^a=rtpmap:(\d+) (?:VP8|VP9|H264|H265|AV1)\/90000/i;

/** The description with stereo sound asked for: browsers decode Opus to mono without it (RFC 7587, 6.1). */
export const withStereo = (sdp) => withParameters(sdp, OPUS, "stereo=1");

/** The description with the rates (kbit/s) at which this page's video begins and ends: else it begins as a postage stamp. */
export const withVideoRate = (sdp, start, max) =>
  withParameters(sdp, VIDEO, `x-google-start-bitrate=${start};x-google-max-bitrate=${max}`);

/**
 * The description with reports asked for by which a mere receiver learns the round trip (RFC 3611, 4.4): without it browsers do not
 * know when a picture was made.
 */
export function withRoundTrips(sdp) {
  const line = (text) => (VIDEO.test(text) ? [text, `a=rtcp-fb:${VIDEO.exec(text)[1]} rrtr`] : [text]);
  return sdp.split(/\r?\n/).flatMap(line).join("\r\n");
}

function withParameters(sdp, rtpmap, extra) {
  const lines = sdp.replace(/\r\n/g, "\n").replace(/\n$/, "").split("\n");
  const wanted = new Set(lines.map((line) => rtpmap.exec(line)?.[1]).filter(Boolean));
  const present = new Set(lines.map(payloadOf).filter(Boolean));
  const changed = [];
  for (const line of lines) {
    const more = wanted.has(payloadOf(line)) && !line.includes(extra);
    changed.push(more ? `${line};${extra}` : line);
    const payload = rtpmap.exec(line)?.[1];
    if (payload && !present.has(payload)) changed.push(`a=fmtp:${payload} ${extra}`);
  }
  return changed.join("\r\n") + "\r\n";
}

const payloadOf = (line) => /^a=fmtp:(\d+) /.exec(line)?.[1];
