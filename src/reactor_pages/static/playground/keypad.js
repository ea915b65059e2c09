/** What the keys do, shown as buttons that hold and let go: for those who look for a key, and for those who have none. */

import { isBound, legendOf } from "./keys.js";
import { el, spoken } from "./widgets.js";

const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", " ": "Space", Escape: "Esc", PageUp: "Page ↑", PageDown: "Page ↓" };

/** A key as it is printed on keyboards. */
export const keySign = (key) => SIGNS[key] ?? key.replace(/^(Key|Digit)(?=.$)/, "").replace(/^.$/, (letter) => letter.toUpperCase());

/**
 * Fills an element with a button for everything that is bound, by command. Returns {held(keys)}, which lights what is held,
 * and {setEnabled(enabled)}.
 * @param {HTMLElement} root @param {import("./keys.js").Bindings} bindings
 * @param {() => {press(key: string): void, release(key: string): void}} bound
 */
export function buildKeypad(root, bindings, bound) {
  const rows = legendOf(bindings);
  const pads = rows.map((row) => ({ row, button: padButton(row, bound) }));
  const named = ({ holds, command }) => (holds ? spoken(command) : "Once");
  const groups = [...new Set(rows.map(named))].map((name) => {
    const mine = pads.filter(({ row }) => named(row) === name).map(({ button }) => button);
    return el("div", { class: "key-group", role: "group", "aria-label": name }, el("span", { class: "key-command" }, name), el("div", { class: "key-pads" }, ...mine));
  });
  root.replaceChildren(...(isBound(bindings) ? groups : []));
  return {
    held(keys) {
      for (const { row, button } of pads) button.toggleAttribute("data-held", row.keys.some((key) => keys.includes(key)));
    },
    setEnabled(enabled) {
      for (const { row, button } of pads) button.disabled = !enabled || row.keys.length === 0;
    },
  };
}

function padButton({ command, field, value, keys, pad, holds }, bound) {
  const what = holds ? `${spoken(field)}: ${value}` : spoken(command);
  const caps = keys.map((key) => el("kbd", {}, keySign(key)));
  const word = !holds ? spoken(command).toLowerCase() : typeof value === "string" ? value.replace(/_/g, " ") : `${spoken(field).toLowerCase()} ${value}`;
  const title = pad.length > 0 ? `Gamepad: ${pad.join(", ")}` : "";
  const made = el("button", { type: "button", class: "key-pad", title }, ...caps, el("span", {}, caps.length > 0 ? word : `${word}: gamepad, ${pad.join(", ")}`));
  made.setAttribute("aria-label", `${what}, ${keys.length > 0 ? `key ${keys.map(keySign).join(" or ")}` : title}`);
  const [key] = keys;
  if (key !== undefined) holdable(made, () => bound()?.press(key), () => bound()?.release(key));
  return made;
}

/** Holds while a finger, the mouse or the space bar does. */
function holdable(made, press, release) {
  let down = false;
  const begin = () => {
    if (!down) press();
    down = true;
  };
  const end = () => {
    if (down) release();
    down = false;
  };
  made.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || made.disabled) return;
    made.setPointerCapture(event.pointerId);
    begin();
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) made.addEventListener(type, end);
  made.addEventListener("keydown", ({ key, repeat }) => (key === " " || key === "Enter") && !repeat && begin());
  made.addEventListener("keyup", ({ key }) => (key === " " || key === "Enter") && end());
  made.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch holds, and asks for no menu
}
