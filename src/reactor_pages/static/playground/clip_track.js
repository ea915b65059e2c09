/**
 * A track of what a player shows: upright, as fast as the clip goes, in the colours that WebRTC means (BT.601, limited range).
 *
 * The stream of a player has the colours of its file (BT.709, full range), and a drawing has BT.709 in Chromium: both say so in an RTP
 * extension (color-space) that engines of servers do not read. Where pages can make frames, a worker converts them. Elsewhere drawings
 * are sent: Firefox makes BT.601 of them.
 */

/** How often a page in the background is drawn, where nothing is shown; browsers make it slower. */
const BACKGROUND_MS = 40;

const makesFrames = () => window.MediaStreamTrackProcessor && window.MediaStreamTrackGenerator && window.VideoFrame && HTMLVideoElement.prototype.captureStream;

/** @param {HTMLVideoElement} player that plays @returns {{track: MediaStreamTrack, stop: () => void}} */
export const clipTrack = (player) => (makesFrames() ? converted(player) : drawn(player));

function converted(player) {
  const played = player.captureStream();
  const [source] = played.getVideoTracks();
  const { readable } = new MediaStreamTrackProcessor({ track: source });
  const track = new MediaStreamTrackGenerator({ kind: "video" });
  const worker = new Worker(new URL("clip_worker.js", import.meta.url), { type: "module" });
  worker.postMessage({ readable, writable: track.writable }, [readable, track.writable]);
  const stop = () => {
    [track, ...played.getTracks()].forEach((each) => each.stop());
    worker.terminate();
  };
  return { track, stop };
}

function drawn(player) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const draw = () => {
    const { videoWidth: width, videoHeight: height } = player;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(player, 0, 0);
  };
  let running = true;
  const next = () => (player.requestVideoFrameCallback ? player.requestVideoFrameCallback(shown) : requestAnimationFrame(shown));
  const shown = () => {
    if (!running) return;
    draw();
    next();
  };
  shown();
  const timer = setInterval(() => document.hidden && !player.paused && draw(), BACKGROUND_MS);
  const [track] = canvas.captureStream().getTracks();
  const stop = () => {
    running = false;
    clearInterval(timer);
    track.stop();
  };
  return { track, stop };
}
