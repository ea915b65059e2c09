/** The message log: what was said, newest first; bounded, filtered by type, and still while it is paused. */

import { button, el } from "./dom.js";

const MOST = 300;
const LONGEST_CHARS = 20000;
const LONGEST_LINE = 240;
const SIGNS = { sent: "→", message: "←", platform: "⚙", result: "✓", refused: "✗", note: "•" };
const WORDS = { sent: "sent", message: "message", platform: "platform", result: "result", refused: "refused", note: "note" };

/** @typedef {{way: "sent"|"message"|"platform"|"result"|"refused"|"note", type: string, data: unknown, at: Date}} Entry */

export class MessageLog {
  #entries = [];
  #types = new Set();
  #drawn = false;
  #fresh = [];

  /** @param {HTMLElement} root */
  constructor(root) {
    this.paused = false;
    this.filter = el("select", { "aria-label": "Show messages of type", onchange: () => this.#redraw() }, el("option", { value: "" }, "all types"));
    this.hold = button("Pause", () => this.#pause(), { "aria-pressed": "false" });
    this.count = el("span", { class: "muted log-count" });
    const bar = el("div", { class: "log-bar" }, el("h2", { id: "log-title" }, "Messages"), this.count, this.filter, this.hold, button("Clear", () => this.#clear()));
    this.list = el("ol", { class: "log-list", "aria-labelledby": "log-title", tabIndex: 0 });
    root.replaceChildren(bar, this.list);
    this.#told();
  }

  /** @param {Entry["way"]} way @param {string} type @param {unknown} data */
  add(way, type, data) {
    const entry = { way, type, data, at: new Date() };
    this.#entries.push(entry);
    if (this.#entries.length > MOST) this.#entries.splice(0, this.#entries.length - MOST);
    this.#known(type);
    if (this.paused) return this.#told();
    this.#fresh.push(entry);
    if (this.#fresh.length > MOST) this.#fresh.shift();
    if (!this.#drawn) {
      // However many come, the page is drawn once.
      this.#drawn = true;
      requestAnimationFrame(() => this.#draw());
    }
    return undefined;
  }

  #known(type) {
    if (this.#types.has(type) || this.#types.size >= MOST) return;
    this.#types.add(type);
    const after = [...this.filter.options].slice(1).find((option) => option.value > type) ?? null;
    this.filter.insertBefore(el("option", { value: type }, type.slice(0, 64)), after);
  }

  #draw() {
    this.#drawn = false;
    for (const entry of this.#fresh.splice(0)) if (this.#wanted(entry)) this.list.prepend(line(entry));
    while (this.list.childElementCount > MOST) this.list.lastElementChild.remove();
    this.#told();
  }

  #redraw() {
    this.#fresh = [];
    this.list.replaceChildren(...this.#entries.filter((entry) => this.#wanted(entry)).reverse().map(line));
    this.#told();
  }

  #wanted({ type }) {
    return this.filter.value === "" || this.filter.value === type;
  }

  #pause() {
    this.paused = !this.paused;
    this.hold.setAttribute("aria-pressed", String(this.paused));
    this.hold.textContent = this.paused ? "Go on" : "Pause";
    if (!this.paused) this.#redraw();
  }

  #clear() {
    this.#entries = [];
    this.#redraw();
  }

  #told() {
    const held = this.#entries.length;
    this.count.textContent = held === 0 ? "none yet" : `${held}${held === MOST ? ", older ones are dropped" : ""}${this.paused ? ", paused" : ""}`;
  }
}

function line({ way, type, data, at }) {
  const text = data === undefined ? "" : (JSON.stringify(data) ?? "");
  const short = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)} …` : text;
  const head = el(
    "summary",
    {},
    el("time", { dateTime: at.toISOString() }, clock(at)),
    el("span", { class: "log-sign", title: WORDS[way] }, SIGNS[way]),
    el("span", { class: "visually-hidden" }, WORDS[way]),
    el("strong", {}, type.slice(0, 128)),
    el("code", {}, short),
  );
  const entry = el("details", {}, head);
  // The whole of it is written when somebody opens it.
  entry.addEventListener("toggle", () => entry.append(el("pre", { tabIndex: 0 }, whole(data))), { once: true });
  return el("li", { class: `log-entry log-${way}` }, entry);
}

function whole(data) {
  const text = JSON.stringify(data, null, 2) ?? "";
  return text.length > LONGEST_CHARS ? `${text.slice(0, LONGEST_CHARS)}\n… ${text.length - LONGEST_CHARS} more characters` : text;
}

function clock(at) {
  const two = (number, width = 2) => String(number).padStart(width, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}
