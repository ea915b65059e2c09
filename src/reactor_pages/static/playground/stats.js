/**
 * Figures of a connection, from two reports of ``getStats()``. Pure.
 *
 * @typedef {{kind: string, direction: "in"|"out", fps: number|null, width: number|null, height: number|null, codec: string, bytes: number,
 *   packets: number, lost: number, jitterMs: number|null, frames: number, freezes: number, limited: string}} TrackTotals
 * @typedef {{at: number, tracks: Map<string, TrackTotals>, rttMs: number|null, path: string, room: number|null}} Reading
 * @typedef {{fps: number|null, inKbps: number, outKbps: number, lossPercent: number|null, jitterMs: number|null, rttMs: number|null}} Rates
 */

const VIDEO_CLOCK_KHZ = 90;
const ARRIVALS = 300;

/**
 * A reading of a report.
 * @param {Iterable<[string, any]>} report @param {Map<string, string>} mids names of tracks by mid @param {number} at milliseconds
 * @returns {Reading}
 */
export function read(report, mids, at) {
  const byId = new Map(report);
  const tracks = new Map();
  let transport = null;
  for (const each of byId.values()) {
    if (each.type === "transport") transport = each;
    const name = mids.get(each.mid);
    if (name === undefined || (each.type !== "inbound-rtp" && each.type !== "outbound-rtp")) continue;
    tracks.set(name, totals(each, byId));
  }
  const pair = byId.get(transport?.selectedCandidatePairId) ?? [...byId.values()].find(isSelected);
  return {
    at,
    tracks,
    rttMs: Number.isFinite(pair?.currentRoundTripTime) ? pair.currentRoundTripTime * 1000 : null,
    path: described(byId.get(pair?.localCandidateId)),
    room: pair?.availableOutgoingBitrate ?? null,
  };
}

/** Browsers whose transports do not say which pair they use mark it. */
const isSelected = ({ type, selected, nominated, state }) => type === "candidate-pair" && (selected ?? (nominated && state === "succeeded"));

function totals(each, byId) {
  const inbound = each.type === "inbound-rtp";
  return {
    kind: each.kind,
    direction: inbound ? "in" : "out",
    fps: each.framesPerSecond ?? null,
    width: each.frameWidth ?? null,
    height: each.frameHeight ?? null,
    codec: (byId.get(each.codecId)?.mimeType ?? "").split("/").pop(),
    bytes: (inbound ? each.bytesReceived : each.bytesSent) ?? 0,
    packets: (inbound ? each.packetsReceived : each.packetsSent) ?? 0,
    lost: inbound ? (each.packetsLost ?? 0) : 0,
    jitterMs: Number.isFinite(each.jitter) ? each.jitter * 1000 : null,
    frames: (inbound ? each.framesDecoded : each.framesEncoded) ?? 0,
    freezes: each.freezeCount ?? 0,
    limited: each.qualityLimitationReason ?? "none",
  };
}

const described = (candidate) => (candidate ? `${candidate.protocol} ${candidate.candidateType}` : "");

/**
 * Rates between two readings; ``fps`` and jitter are those of the first incoming video.
 * @param {Reading} before @param {Reading} now @returns {Rates}
 */
export function rates(before, now) {
  const seconds = (now.at - before.at) / 1000;
  const sum = (direction, what) => {
    let total = 0;
    for (const [name, track] of now.tracks) {
      const earlier = before.tracks.get(name);
      // A connection that is new counts from nothing again.
      if (track.direction === direction) total += Math.max(0, track[what] - (earlier?.[what] ?? track[what]));
    }
    return total;
  };
  const [lost, packets] = [sum("in", "lost"), sum("in", "packets")];
  const [name, video] = firstVideo(now) ?? [null, null];
  const frames = video && before.tracks.has(name) ? video.frames - before.tracks.get(name).frames : null;
  return {
    fps: frames === null || frames < 0 ? null : frames / seconds,
    inKbps: (sum("in", "bytes") * 8) / 1000 / seconds,
    outKbps: (sum("out", "bytes") * 8) / 1000 / seconds,
    lossPercent: lost + packets > 0 ? (100 * lost) / (lost + packets) : null,
    jitterMs: (video ?? [...now.tracks.values()].find((track) => track.direction === "in"))?.jitterMs ?? null,
    rttMs: now.rttMs,
  };
}

/** Name and totals of the first incoming video; undefined where there is none. */
export const firstVideo = (reading) => [...reading.tracks].find(([, track]) => track.kind === "video" && track.direction === "in");

/**
 * How long pictures are on their way where the browser does not know when they were made: each is compared with the fastest of the
 * last ones, by when it was stamped and when it came, and half of the round trip is added for that one. The time that the encoder
 * takes is not in it.
 */
export class Arrivals {
  #seen = [];
  #last = null;
  #sentMs = 0;

  /**
   * When a picture was sent, by this page's clock; null where the browser says too little.
   * @param {{receiveTime?: number, rtpTimestamp?: number}} metadata of ``requestVideoFrameCallback`` @param {number} rttMs
   */
  sentAt({ receiveTime, rtpTimestamp }, rttMs) {
    if (!(receiveTime > 0) || rtpTimestamp === undefined) return null;
    // Time stamps of 32 bits begin again now and then.
    this.#sentMs += this.#last === null ? 0 : ((rtpTimestamp - this.#last) | 0) / VIDEO_CLOCK_KHZ;
    this.#last = rtpTimestamp;
    const transit = receiveTime - this.#sentMs;
    this.#seen = [...this.#seen.slice(1 - ARRIVALS), transit];
    return receiveTime - (transit - Math.min(...this.#seen)) - rttMs / 2;
  }
}

/** The middle of some numbers; null of none. */
export function median(numbers) {
  if (numbers.length === 0) return null;
  const ordered = [...numbers].sort((a, b) => a - b);
  return ordered[Math.floor(ordered.length / 2)];
}
