/** The parts that a form is made of: one widget for every kind of field. */

import { isColour } from "./shapes.js";

const MOST_FILES = 16;

let ids = 0;

/** An id that nothing else on the page has. */
export const fresh = (word) => `${word}-${(ids += 1)}`;

/** An element with properties, attributes (names with a dash, and `role`) and children; text is never read as markup. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** An element that is of use only while there is a connection. */
export const control = (tag, given) => el(tag, { "data-control": "", ...given });
/** A name as people say it. */
export const spoken = (name) => name.replace(/_/g, " ").replace(/^./, (first) => first.toUpperCase());

/** A small sign that shows a text when it is pointed at, focused or touched. */
export function help(text, about) {
  const tip = el("span", { class: "tip", role: "tooltip", id: fresh("tip") }, text);
  const sign = el("button", { type: "button", class: "help", "aria-label": `About ${about}`, "aria-describedby": tip.id, "aria-expanded": "false" }, "i");
  const show = (shown) => sign.setAttribute("aria-expanded", String(shown));
  sign.addEventListener("click", () => show(sign.getAttribute("aria-expanded") !== "true"));
  sign.addEventListener("blur", () => show(false));
  sign.addEventListener("keydown", ({ key }) => key === "Escape" && show(false));
  return { sign, tip };
}

// ----------------------------------------------------------------------------------------------------------- widgets
// Each takes a field and returns {element, labelled, read, show?, clear?}: read() is the value, or undefined to leave the field out;
// show(value) puts in a value that the model has told, and tells nobody of a change.

const shower = (input) => (value) => (input.value = value ?? "");

function slider({ shape, initial }, changed) {
  const { minimum, maximum, type } = shape;
  const step = type === "integer" ? 1 : 10 ** Math.floor(Math.log10((maximum - minimum) / 50));
  const exact = control("input", { type: "number", class: "exact", min: minimum, max: maximum, step: type === "integer" ? 1 : "any" });
  const range = control("input", { type: "range", min: minimum, max: maximum, step, tabIndex: 0 });
  const fill = () => range.style.setProperty("--part", `${((range.value - minimum) / (maximum - minimum)) * 100}%`);
  const set = (value) => ((exact.value = value ?? ""), (range.value = value ?? minimum), fill());
  range.addEventListener("input", () => ((exact.value = Number(range.value)), fill(), changed()));
  exact.addEventListener("input", () => ((range.value = exact.value || minimum), fill()));
  exact.addEventListener("change", () => changed());
  set(initial);
  return { element: el("div", { class: "slider" }, range, exact), labelled: [range, exact], read: () => numberIn(exact), show: set };
}

function numberIn(input) {
  if (input.validity.badInput) return NaN;
  return input.value === "" ? undefined : Number(input.value);
}

function number({ shape, initial }) {
  const input = control("input", { type: "number", step: shape.type === "integer" ? 1 : "any", value: initial ?? "" });
  if (shape.minimum !== undefined) input.min = shape.minimum;
  if (shape.maximum !== undefined) input.max = shape.maximum;
  return { element: input, labelled: [input], read: () => numberIn(input), show: shower(input), clear: () => (input.value = "") };
}

function text({ initial }) {
  const input = control("input", { type: "text", value: initial ?? "", spellcheck: false, autocomplete: "off" });
  return { element: input, labelled: [input], read: () => input.value, show: shower(input), clear: () => (input.value = "") };
}

function prose({ initial }) {
  const input = control("textarea", { value: initial ?? "", rows: 2 });
  return { element: input, labelled: [input], read: () => input.value, show: shower(input), clear: () => (input.value = "") };
}

function colour({ initial, name }, changed) {
  const exact = control("input", { type: "text", value: initial ?? "", class: "exact", placeholder: "#rrggbb", spellcheck: false });
  const swatch = control("input", { type: "color", value: isColour(initial) ? initial : "#808080", "aria-label": `Pick ${spoken(name)}` });
  swatch.addEventListener("input", () => ((exact.value = swatch.value), changed()));
  exact.addEventListener("change", () => (isColour(exact.value) && (swatch.value = exact.value), changed()));
  const show = (value) => ((exact.value = value ?? ""), isColour(value) && (swatch.value = value));
  return { element: el("div", { class: "colour" }, swatch, exact), labelled: [exact], read: () => exact.value, show, clear: () => (exact.value = "") };
}

function toggle({ initial }, changed) {
  const input = control("input", { type: "checkbox", class: "switch", role: "switch", checked: initial === true, onchange: () => changed() });
  return { element: input, labelled: [input], read: () => input.checked, show: (value) => (input.checked = value === true) };
}

const choicesOf = ({ shape, nullable }) => [...(nullable ? [null] : []), ...(shape.enum ?? [true, false]).filter((choice) => choice !== null)];
const choiceWord = (choice) => (choice === null ? "not set" : choice === "" ? "(empty)" : String(choice));

function segments(field, changed) {
  const name = fresh("choice");
  const choices = choicesOf(field);
  const radios = choices.map((choice) => control("input", { type: "radio", name, checked: choice === field.initial, onchange: () => changed() }));
  const labels = choices.map((choice, index) => el("label", {}, radios[index], el("span", {}, choiceWord(choice))));
  const read = () => choices[radios.findIndex((radio) => radio.checked)];
  const show = (value) => radios.forEach((radio, index) => (radio.checked = choices[index] === value));
  return { element: el("div", { class: "segments", role: "radiogroup" }, ...labels), labelled: radios, group: true, read, show };
}

function select(field, changed) {
  const choices = choicesOf(field);
  const given = choices.indexOf(field.initial);
  const options = choices.map((choice, index) => el("option", { value: String(index), selected: index === given }, choiceWord(choice)));
  const input = control("select", { onchange: () => changed() });
  input.append(...(given < 0 ? [el("option", { value: "", selected: true }, "choose …")] : []), ...options);
  const show = (value) => (input.value = choices.includes(value) ? String(choices.indexOf(value)) : "");
  return { element: input, labelled: [input], read: () => choices[input.value === "" ? -1 : Number(input.value)], show };
}

function json({ shape, initial }) {
  const written = initial === undefined || initial === null ? "" : JSON.stringify(initial);
  const hint = shape.type === "array" ? "[ … ]  as JSON" : shape.type === "object" ? "{ … }  as JSON" : "JSON";
  const input = control("textarea", { value: written, rows: 2, class: "json", placeholder: hint, spellcheck: false });
  const read = () => {
    if (input.value.trim() === "") return undefined;
    try {
      return JSON.parse(input.value);
    } catch (error) {
      throw new TypeError(`This is no JSON: ${error.message}`, { cause: error });
    }
  };
  return { element: input, labelled: [input], read, clear: () => (input.value = "") };
}

const sizeOf = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`);

/** Takes files and sends them up as soon as they are chosen. */
function file({ kind, name }, _changed, upload) {
  const many = kind === "files";
  const input = control("input", { type: "file", class: "visually-hidden", multiple: many });
  const state = el("span", { class: "file-state", role: "status" }, many ? "or drop them here" : "or drop it here");
  const label = el("label", { class: "drop" }, input, el("span", { class: "choose" }, many ? "Choose files" : "Choose a file"), state);
  let found = [];
  let turn = 0;
  const take = async (files) => {
    const mine = (turn += 1);
    const told = files.map((each) => `${each.name} · ${sizeOf(each.size)}`).join(", ");
    found = null;
    label.dataset.state = "uploading";
    state.textContent = `${told} · uploading …`;
    try {
      const references = await Promise.all(files.map((each) => upload(each)));
      if (mine !== turn) return;
      found = references;
      label.dataset.state = "ready";
      state.textContent = `${told} ✓`;
    } catch (error) {
      if (mine !== turn) return;
      found = [];
      label.dataset.state = "failed";
      state.textContent = `${told} · ${error.message}`;
    }
  };
  const chosen = (files) => files.length > 0 && take([...files].slice(0, many ? MOST_FILES : 1));
  input.addEventListener("change", () => (chosen(input.files), (input.value = "")));
  label.addEventListener("dragover", (event) => (event.preventDefault(), (label.dataset.over = "")));
  label.addEventListener("dragleave", () => delete label.dataset.over);
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    delete label.dataset.over;
    if (!input.disabled) chosen(event.dataTransfer.files);
  });
  const read = () => {
    if (found === null) throw new TypeError("The file is still on its way.");
    return many ? (found.length ? found : undefined) : found[0];
  };
  const clear = () => ((turn += 1), (found = []), delete label.dataset.state, (state.textContent = `no ${spoken(name).toLowerCase()}`));
  return { element: label, labelled: [input], read, clear };
}

export const WIDGETS = { slider, number, text, prose, colour, toggle, segments, select, json, file, files: file };
