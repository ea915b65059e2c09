/** A small curve of the last minutes. */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 36;
const PAD = 2;
const SHORTEST_S = 20;

export class Sparkline {
  #points = [];
  #line = shape("polyline", { class: "curve" });
  #area = shape("polygon", { class: "area" });

  /** @param {number} seconds how much of the past it shows; less while there is less */
  constructor(seconds) {
    this.seconds = seconds;
    this.element = shape("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.element.append(this.#area, this.#line);
  }

  /** @param {number} at seconds of any steady clock @param {number} value */
  add(at, value) {
    this.#points.push([at, value]);
    while (this.#points[0][0] < at - this.seconds) this.#points.shift();
    this.#draw(at);
  }

  #draw(now) {
    const span = Math.min(this.seconds, Math.max(SHORTEST_S, now - this.#points[0][0]));
    const most = Math.max(1, ...this.#points.map(([, value]) => value));
    const places = this.#points.map(([at, value]) => {
      const x = WIDTH * (1 - (now - at) / span);
      return `${x.toFixed(1)},${(HEIGHT - PAD - (value / most) * (HEIGHT - 2 * PAD)).toFixed(1)}`;
    });
    this.#line.setAttribute("points", places.join(" "));
    const from = places[0].split(",")[0];
    this.#area.setAttribute("points", [`${from},${HEIGHT}`, ...places, `${WIDTH},${HEIGHT}`].join(" "));
  }
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
