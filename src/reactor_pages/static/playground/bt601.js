/** Planes of BT.601, limited range, which WebRTC means where nothing is said (ITU-R BT.601-7, BT.709-6, BT.2020-2; ISO/IEC 23091-2). */

/** What red and blue have of the luma, by the matrix of a frame. */
const WEIGHTS = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114], bt470bg: [0.299, 0.114], "bt2020-ncl": [0.2627, 0.0593] };
const MIDDLE = 128.5 * 65536;
const HDR = new Set(["pq", "hlg", "linear"]);

const isTurned = ({ rotation = 0, flip = false }) => rotation !== 0 || flip;
const isBt601 = ({ matrix, fullRange }) => (matrix === "smpte170m" || matrix === "bt470bg") && !fullRange;

/** Whether a frame can be sent as it is. @param {VideoFrame} frame */
export function isPlain(frame) {
  const { format, colorSpace } = frame;
  return (format === "I420" || format === "NV12") && !isTurned(frame) && isBt601(colorSpace) && hasSquarePixels(frame);
}

function hasSquarePixels({ visibleRect: { width, height }, displayWidth, displayHeight, rotation = 0 }) {
  return rotation % 180 === 0 ? displayWidth === width && displayHeight === height : displayWidth === height && displayHeight === width;
}

/**
 * The upright planes of a frame (I420), with even sides; null where it has to be drawn.
 * @param {VideoFrame} frame @returns {Promise<{width: number, height: number, data: Uint8ClampedArray}|null>}
 */
export async function converted(frame) {
  const { format, colorSpace, flip = false, rotation = 0 } = frame;
  const known = (format === "I420" || format === "NV12") && colorSpace.matrix in WEIGHTS && !HDR.has(colorSpace.transfer);
  if (!known || flip || !hasSquarePixels(frame)) return null;
  const bytes = new Uint8Array(frame.allocationSize());
  const [luma, ...chroma] = await frame.copyTo(bytes);
  const width = frame.visibleRect.width & ~1;
  const height = frame.visibleRect.height & ~1;
  const [u, v] = format === "NV12" ? [chroma[0], { ...chroma[0], offset: chroma[0].offset + 1 }] : chroma;
  const planes = convert({ bytes, luma, u, v, step: format === "NV12" ? 2 : 1 }, width, height, conversion(colorSpace));
  const sideways = rotation % 180 !== 0;
  return { width: sideways ? height : width, height: sideways ? width : height, data: rotation === 0 ? planes : turned(planes, width, height, rotation) };
}

/** What luma becomes, and what a step of U and of V adds to Y, U and V; in 65536ths, ready to be rounded down. */
function conversion({ matrix, fullRange }) {
  const [red, blue] = WEIGHTS[matrix];
  const [black, lumaSpan, chromaSpan] = fullRange ? [0, 255, 255] : [16, 219, 224];
  const adds = (u, v) => {
    const [r, b] = [2 * (1 - red) * v, 2 * (1 - blue) * u];
    const g = -(red * r + blue * b) / (1 - red - blue);
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    return [219 * y, (224 * (b - y)) / 1.772, (224 * (r - y)) / 1.402].map((value) => Math.round((value * 65536) / chromaSpan));
  };
  return { luma: Int32Array.from({ length: 256 }, (_, y) => 65536 * (16.5 + ((y - black) * 219) / lumaSpan)), ofU: adds(1, 0), ofV: adds(0, 1) };
}

function convert({ bytes, luma, u, v, step }, width, height, { luma: lumaOf, ofU, ofV }) {
  const size = width * height;
  const planes = new Uint8ClampedArray(size + size / 2);
  const [uy, uu, uv] = ofU;
  const [vy, vu, vv] = ofV;
  const below = luma.stride;
  let chroma = size;
  for (let row = 0; row < height; row += 2) {
    let uAt = u.offset + (row / 2) * u.stride;
    let vAt = v.offset + (row / 2) * v.stride;
    let from = luma.offset + row * luma.stride;
    let to = row * width;
    for (const end = to + width; to < end; to += 2) {
      const du = bytes[uAt] - 128;
      const dv = bytes[vAt] - 128;
      const add = uy * du + vy * dv;
      planes[to] = (lumaOf[bytes[from]] + add) >> 16;
      planes[to + 1] = (lumaOf[bytes[from + 1]] + add) >> 16;
      planes[to + width] = (lumaOf[bytes[from + below]] + add) >> 16;
      planes[to + width + 1] = (lumaOf[bytes[from + below + 1]] + add) >> 16;
      planes[chroma] = (MIDDLE + uu * du + vu * dv) >> 16;
      planes[chroma + size / 4] = (MIDDLE + uv * du + vv * dv) >> 16;
      uAt += step;
      vAt += step;
      from += 2;
      chroma += 1;
    }
  }
  return planes;
}

/** The planes turned clockwise. */
function turned(planes, width, height, rotation) {
  const size = width * height;
  const upright = new Uint8ClampedArray(planes.length);
  turn(planes, upright, 0, [width, height], rotation);
  for (const begin of [size, size + size / 4]) turn(planes, upright, begin, [width / 2, height / 2], rotation);
  return upright;
}

function turn(from, to, begin, [width, height], rotation) {
  const [first, right, down] = {
    90: [height - 1, height, -1],
    180: [width * height - 1, -1, -width],
    270: [(width - 1) * height, -height, 1],
  }[rotation];
  for (let y = 0, at = begin; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) to[begin + first + x * right + y * down] = from[at];
  }
}

/** The planes of a drawing with even sides. @param {ImageData} drawing @returns {Uint8ClampedArray} */
export function ofDrawing({ data, width, height }) {
  const size = width * height;
  const planes = new Uint8ClampedArray(size + size / 2);
  for (let to = 0, at = 0; to < size; to += 1, at += 4) {
    planes[to] = (16829 * data[at] + 33039 * data[at + 1] + 6416 * data[at + 2] + 1081344) >> 16;
  }
  let chroma = size;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2, chroma += 1) {
      const at = 4 * (y * width + x);
      const below = at + 4 * width;
      const r = data[at] + data[at + 4] + data[below] + data[below + 4];
      const g = data[at + 1] + data[at + 5] + data[below + 1] + data[below + 5];
      const b = data[at + 2] + data[at + 6] + data[below + 2] + data[below + 6];
      planes[chroma] = (4 * MIDDLE - 9714 * r - 19071 * g + 28784 * b) >> 18;
      planes[chroma + size / 4] = (4 * MIDDLE + 28784 * r - 24103 * g - 4681 * b) >> 18;
    }
  }
  return planes;
}
