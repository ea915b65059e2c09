/** What the keys do, on the picture: a line that says so, and for fingers pads that hold and let go as keys do. */

import { legendOf } from "./keys.js";
import { keySign } from "./keypad.js";
import { el, spoken } from "./widgets.js";

const ARROWS = { up: "ArrowUp", left: "ArrowLeft", right: "ArrowRight", down: "ArrowDown" };
const LETTERS = { up: "w", left: "a", right: "d", down: "s" };
const SIGNS = { up: "▲", left: "◀", right: "▶", down: "▼" };
const MOST_HINTS = 6;
const MOST_CHIPS = 4;

/** The line for keyboards, null where no key is bound. @param {import("./keys.js").Bindings} bindings @returns {HTMLElement|null} */
export function keyHint(bindings) {
  const groups = new Map();
  for (const { command, field, value, keys } of legendOf(bindings)) {
    if (keys.length === 0) continue;
    // A choice is told by its command: "forward" and "back" are both of "movement".
    const word = field === null || typeof value === "string" ? command.replace(/^set_/, "") : field;
    groups.set(word, [...(groups.get(word) ?? []), keys[0]]);
  }
  const told = [...groups].slice(0, MOST_HINTS);
  if (told.length === 0) return null;
  const parts = told.map(([word, keys]) => el("span", {}, ...keys.map((key) => el("kbd", {}, keySign(key))), ` ${spoken(word).toLowerCase()}`));
  return el("p", { class: "key-hint" }, ...parts);
}

/**
 * The pads for fingers: two thumbs' worth. Where letters and arrows go the same ways of different things each has a cross of its own; else what goes
 * sideways is at the left thumb, and what goes up and down at the right one.
 * @param {import("./keys.js").Bindings} bindings @param {() => {press(key: string): void, release(key: string): void}|null} bound
 * @returns {{element: HTMLElement, held(keys: string[]): void}|null} null where nothing would be on it
 */
export function touchPad(bindings, bound) {
  const rows = legendOf(bindings).filter(({ keys }) => keys.length > 0);
  const arrows = placed(rows, ARROWS);
  const letters = placed(rows, LETTERS).filter(({ row }) => !arrows.some((arrow) => arrow.row === row));
  const ways = [...arrows, ...letters].map(({ row }) => row);
  const rest = rows.filter((row) => !ways.includes(row)).slice(0, MOST_CHIPS);
  if (rows.length === 0) return null;
  const keys = [];
  const pad = (side, places) => el("div", { class: `touch-cluster at-${side}` }, ...places.map(({ way, row }) => touchKey(keys, row, SIGNS[way], way)));
  const sideways = ({ way }) => way === "left" || way === "right";
  const both = letters.some(({ way }) => arrows.some((arrow) => arrow.way === way));
  const all = [...arrows, ...letters];
  const pads = both ? [pad("left", letters), pad("right", arrows)] : [pad("left", all.filter(sideways)), pad("right", all.filter((each) => !sideways(each)))];
  const chips = el("div", { class: "touch-cluster at-top" }, ...rest.map((row) => touchKey(keys, row, chipWord(row), "chip")));
  // For fingers alone: whoever reads the page out, or has a keyboard, has the same buttons in the panel.
  const element = el("div", { class: both ? "touch-pad crosses" : "touch-pad", "aria-hidden": "true" }, ...[...pads, chips].filter((each) => each.childElementCount > 0));
  follow(element, bound);
  return {
    element,
    held: (names) => keys.forEach(({ made, row }) => made.toggleAttribute("data-held", row.keys.some((key) => names.includes(key)))),
  };
}

const placed = (rows, names) =>
  Object.entries(names).flatMap(([way, key]) => {
    const row = rows.find(({ keys }) => keys.includes(key));
    return row ? [{ way, row }] : [];
  });

const chipWord = ({ command, field, value }) => (field === null ? spoken(command) : typeof value === "string" ? value.replace(/_/g, " ") : spoken(field));

function touchKey(keys, row, sign, way) {
  const made = el("span", { class: `touch-key touch-${way}` }, sign);
  made.dataset.key = row.keys[0];
  keys.push({ made, row });
  return made;
}

/** Holds what is below each finger, also as it slides from one to the next. */
function follow(element, bound) {
  const fingers = new Map();
  const hold = (finger, key) => {
    const before = fingers.get(finger);
    if (before === key) return;
    if (key === undefined) fingers.delete(finger);
    else fingers.set(finger, key);
    if (before !== undefined && ![...fingers.values()].includes(before)) bound()?.release(before);
    if (key !== undefined) bound()?.press(key);
  };
  const below = ({ clientX, clientY }) => {
    const found = document.elementFromPoint(clientX, clientY)?.closest(".touch-key");
    return element.contains(found) ? found.dataset.key : undefined;
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.target.setPointerCapture(event.pointerId);
    hold(event.pointerId, below(event));
  });
  element.addEventListener("pointermove", (event) => fingers.has(event.pointerId) && hold(event.pointerId, below(event) ?? fingers.get(event.pointerId)));
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(type, ({ pointerId }) => hold(pointerId, undefined));
  element.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch holds, and asks for no menu
}
