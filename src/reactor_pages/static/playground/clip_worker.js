/** Passes the frames of a clip on: upright, and in BT.601 of limited range. */

import { converted, isPlain, ofDrawing } from "./bt601.js";

const BT601 = { matrix: "smpte170m", primaries: "smpte170m", transfer: "smpte170m", fullRange: false };

let canvas = null;

self.onmessage = ({ data: { readable, writable } }) => readable.pipeThrough(new TransformStream({ transform: pass })).pipeTo(writable);

async function pass(frame, out) {
  if (isPlain(frame)) return out.enqueue(frame);
  try {
    const { width, height, data } = (await converted(frame)) ?? drawn(frame);
    const told = { format: "I420", codedWidth: width, codedHeight: height, timestamp: frame.timestamp, colorSpace: BT601 };
    return out.enqueue(new VideoFrame(data, told));
  } finally {
    frame.close();
  }
}

/** What is in no planes of 8 bits, or has oblong pixels, is drawn: the browser knows how. */
function drawn(frame) {
  const [width, height] = [frame.displayWidth & ~1, frame.displayHeight & ~1];
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(frame, 0, 0, frame.displayWidth, frame.displayHeight);
  return { width, height, data: ofDrawing(context.getImageData(0, 0, width, height)) };
}
