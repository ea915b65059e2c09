/** A table that is brought up to date in place: rows keep their identity, and with it the focus and what is being read. */

import { button, el } from "../../playground/dom.js";

const MOST_ROWS = 200;
const number = new Intl.NumberFormat("en");

/**
 * What a cell shows: ``state`` makes it a badge, ``title`` is shown on pointing at it, ``mono`` sets it as code.
 * @typedef {{text: string, state?: string, title?: string, mono?: boolean}} Cell
 * @typedef {{title: string, show: (row: object) => Cell, numeric?: boolean, minor?: boolean}} Column
 * @typedef {{title: string, done: (row: object) => void, label: (row: object) => string, may?: (row: object) => boolean}} Action
 */

export class Table {
  #rows = new Map();
  #total = el("span", { class: "count" });
  #body = el("tbody");
  #empty;
  #pages = el("p", { class: "pages", hidden: true });
  #range = el("span", { class: "muted" });

  /**
   * @param {HTMLElement} root
   * @param {{title: string, key: string, columns: Column[], action?: Action, empty: string, paged?: boolean}} kind
   */
  constructor(root, kind) {
    this.kind = kind;
    /** The number of the first row that is shown. */
    this.first = 0;
    this.#empty = el("p", { class: "empty muted" }, kind.empty);
    const id = `${root.id}-title`;
    const titles = kind.columns.map((column) => el("th", { scope: "col", class: classOf(column) }, column.title));
    if (kind.action) titles.push(el("th", { scope: "col", class: "act" }, el("span", { class: "visually-hidden" }, "What to do")));
    const table = el("table", { "aria-labelledby": id }, el("thead", {}, el("tr", {}, ...titles)), this.#body);
    const back = button("Rows before", () => this.#turn(-MOST_ROWS), { sign: "‹" });
    const on = button("Rows after", () => this.#turn(MOST_ROWS), { sign: "›" });
    this.#pages.append(back, this.#range, on);
    this.turns = { back, on };
    root.replaceChildren(
      el("h2", { id }, kind.title, " ", this.#total),
      el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-labelledby": id }, table),
      this.#empty,
      this.#pages,
    );
  }

  /** @param {{total: number, first: number, rows: object[]}} listed */
  update({ total, first, rows }) {
    this.#total.textContent = number.format(total);
    this.#empty.hidden = rows.length > 0;
    this.#body.parentElement.parentElement.hidden = rows.length === 0;
    const seen = new Set(rows.map((row) => row[this.kind.key]));
    for (const [key, { line }] of this.#rows) {
      if (!seen.has(key)) {
        line.remove();
        this.#rows.delete(key);
      }
    }
    let before = null;
    for (const row of rows) before = this.#place(row, before);
    this.#pages.hidden = first === 0 && total <= rows.length;
    this.#range.textContent = rows.length ? `${number.format(first + 1)} to ${number.format(first + rows.length)} of ${number.format(total)}` : "";
    this.turns.back.disabled = first === 0;
    this.turns.on.disabled = first + rows.length >= total;
    if (total > 0 && first >= total) this.first = Math.max(0, Math.floor((total - 1) / MOST_ROWS) * MOST_ROWS);
  }

  #place(row, before) {
    const key = row[this.kind.key];
    const known = this.#rows.get(key) ?? this.#add(key);
    known.row = row;
    this.kind.columns.forEach((column, index) => draw(known.cells[index], column.show(row)));
    if (known.act) known.act.hidden = !(this.kind.action.may?.(row) ?? true);
    if (known.act) known.act.setAttribute("aria-label", this.kind.action.label(row));
    const next = before === null ? this.#body.firstElementChild : before.nextElementSibling;
    if (next !== known.line) this.#body.insertBefore(known.line, next);
    return known.line;
  }

  #add(key) {
    const cells = this.kind.columns.map((column) => el("span"));
    const line = el("tr", {}, ...cells.map((cell, index) => el("td", { class: classOf(this.kind.columns[index]) }, cell)));
    const known = { line, cells, row: null, act: null };
    if (this.kind.action) {
      known.act = button(this.kind.action.title, () => this.kind.action.done(known.row), { class: "small" });
      line.append(el("td", { class: "act" }, known.act));
    }
    this.#rows.set(key, known);
    return known;
  }

  #turn(rows) {
    this.first = Math.max(0, this.first + rows);
  }
}

const classOf = ({ numeric, minor }) => [numeric ? "numeric" : "", minor ? "minor" : ""].join(" ").trim();

function draw(cell, { text, state, title, mono }) {
  if (cell.textContent !== text) cell.textContent = text;
  if (title !== undefined && cell.title !== title) cell.title = title;
  const kind = state === undefined ? (mono ? "mono" : "") : "badge";
  if (cell.className !== kind) cell.className = kind;
  if (state !== undefined && cell.dataset.state !== state) cell.dataset.state = state;
}
