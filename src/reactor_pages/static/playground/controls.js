/**
 * A form for every command of a schema document (OpenAPI 3.1, as `GET /schema` of a runtime gives it).
 *
 * Nothing from the document is read as markup.
 *
 * @typedef {{send: (name: string, data: object) => Promise<object|null>, upload: (file: File) => Promise<object>}} Actions
 */

import { commandsOf, problemOf } from "./shapes.js";
import { WIDGETS, control, el, fresh, help, spoken } from "./widgets.js";

export { commandsOf };

/** The shortest time between two values of one control that is being moved, in ms. */
const REST_MS = 50;
/** For how long a control stays as somebody has set it, whatever the model tells. */
const SETTLE_MS = 300;
/** Kinds of which a command that has no other field sends every change at once. */
const LIVE = new Set(["slider", "segments", "select", "toggle", "colour"]);

class FieldView {
  /** @param {{changed: () => void, upload: function, about: object|null}} given `about` is the help of a command without other fields */
  constructor(schema, field, { changed, upload, about = null }) {
    this.schema = schema;
    this.field = field;
    this.widget = WIDGETS[field.kind](field, changed, upload);
    this.problem = el("p", { class: "problem", id: fresh("problem"), role: "alert" });
    this.element = el("div", { class: `field ${field.kind}-field` }, ...this.#head(about), this.widget.element, this.problem);
    this.element.dataset.field = field.name;
  }

  #head(alone) {
    const about = alone ?? (this.field.help ? help(this.field.help, spoken(this.field.name)) : null);
    const { field, widget } = this;
    const { labelled, element } = widget;
    const text = spoken(field.name);
    const label = el(widget.group || field.kind === "file" || field.kind === "files" ? "span" : "label", { class: "name", id: fresh("label") }, text);
    if (label.tagName === "LABEL") label.htmlFor = labelled[0].id = fresh("control");
    if (widget.group) element.setAttribute("aria-labelledby", label.id);
    else labelled.forEach((each) => each.setAttribute("aria-label", text));
    const described = [this.problem.id, ...(about?.tip ? [about.tip.id] : [])].join(" ");
    (widget.group ? [element] : labelled).forEach((each) => each.setAttribute("aria-describedby", described));
    if (field.required) (widget.group ? [element] : labelled).forEach((each) => each.setAttribute("aria-required", "true"));
    if (alone) label.classList.add("visually-hidden");
    const optional = field.required || alone ? null : el("span", { class: "optional" }, field.nullable ? "optional" : "");
    return [el("div", { class: "field-head" }, label, ...(alone ? [] : [about?.sign ?? null, about?.tip ?? null]), optional, this.#clear(text))];
  }

  #clear(text) {
    const { field, widget } = this;
    if (!widget.clear || field.required || !field.nullable) return null;
    const given = { type: "button", class: "clear", "aria-label": `Clear ${text}`, title: "Clear", onclick: () => widget.clear() };
    return Object.assign(control("button", given), { textContent: "×" });
  }

  /** The value as `{value}`, an empty object to leave the field out, or null after telling what is wrong. */
  read() {
    let problem = "";
    let value;
    try {
      value = this.#value();
      if (value === undefined && this.field.required) problem = "This is needed.";
      if (value !== undefined && value !== null) problem = problemOf(this.schema, this.field.shape, value);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      problem = error.message;
    }
    this.#tell(problem);
    if (problem) return null;
    return value === undefined ? {} : { value };
  }

  #value() {
    const value = this.widget.read();
    const empty = value === undefined || (value === "" && ["text", "prose", "colour"].includes(this.field.kind));
    if (!empty) return value;
    // Left out where that means the same: older runtimes compare null with limits.
    if (this.field.nullable) return this.field.initial === null ? undefined : null;
    return value === "" && this.field.kind !== "colour" ? value : undefined;
  }

  /** Puts in a value that the model has told, where the field takes it. */
  show(value) {
    if (!this.widget.show || (value === null ? !this.field.nullable : problemOf(this.schema, this.field.shape, value))) return;
    this.widget.show(value);
    this.#tell("");
  }

  #tell(problem) {
    this.problem.textContent = problem;
    this.widget.labelled.forEach((each) => each.setAttribute("aria-invalid", String(problem !== "")));
  }

  focus() {
    this.widget.labelled[0].focus();
  }
}

// ---------------------------------------------------------------------------------------------------------- commands

/** Sends the newest of many values: one at a time, and not more than twenty a second. */
class Stream {
  #next = null;
  #busy = false;
  #timer = null;
  #last = -Infinity;
  #pushed = "";
  #at = -Infinity;

  constructor(send) {
    this.send = send;
  }

  push(data) {
    const text = JSON.stringify(data);
    const now = performance.now();
    // The return key changes a number and submits its form at once: that is one value.
    if (text === this.#pushed && now - this.#at < REST_MS) return;
    [this.#pushed, this.#at] = [text, now];
    this.#next = data;
    this.#pump();
  }

  async #pump() {
    if (this.#busy || this.#timer !== null || this.#next === null) return;
    const wait = this.#last + REST_MS - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => ((this.#timer = null), this.#pump()), wait);
      return;
    }
    const data = this.#next;
    this.#next = null;
    this.#busy = true;
    this.#last = performance.now();
    await this.send(data);
    this.#busy = false;
    this.#pump();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#next = null;
  }
}

/** What became of the last sending. */
class Result {
  /** @param {boolean} often whether it changes so often that only failures should be read out */
  constructor(often = false) {
    this.often = often;
    this.element = el("output", { class: "result", role: "status" });
  }

  say(state, text) {
    if (this.element.textContent === text && this.element.dataset.state === state) return;
    this.element.setAttribute("aria-live", this.often && state !== "failed" ? "off" : "polite");
    this.element.dataset.state = state;
    this.element.toggleAttribute("data-short", text.length <= 2);
    this.element.textContent = text;
  }

  async of(name, sending, word = "") {
    this.say("pending", `${word}…`);
    try {
      const reply = await sending;
      this.say("ok", `${word}✓ ${told(reply)}`.trim());
    } catch (error) {
      this.say("failed", `${word}${error.code ?? error.name}: ${error.message}`);
    }
  }
}

/** A reply in a line. */
function told(reply) {
  if (reply === null || reply === undefined) return "";
  const data = reply.data ?? reply;
  const entries = Object.entries(data).filter(([name]) => name !== "type");
  return entries.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(" · ");
}

class CommandForm {
  /** Whether something was put in that has not been sent. */
  #touched = false;
  /** How many sendings are unanswered. */
  #underWay = 0;
  /** Whether a pointer holds a control. */
  #pressed = false;
  #movedAt = -Infinity;
  /** What the model has told that is not shown yet, as `{value}`. */
  #told = null;
  #timer = null;
  #aborter = new AbortController();

  constructor(schema, command, actions) {
    this.command = command;
    this.actions = actions;
    const [first] = command.fields;
    this.live = command.fields.length === 1 && LIVE.has(first.kind);
    this.result = new Result(this.live);
    this.stream = new Stream((data) => this.#send(data));
    const alone = command.fields.length === 1;
    const words = [command.summary, alone ? first.help : ""].filter((text, index, all) => text && all.indexOf(text) === index);
    const about = words.length > 0 ? help(words.join("\n"), spoken(command.name)) : { sign: null, tip: null };
    const changed = () => this.live && this.#submit();
    const given = { changed, upload: actions.upload, about: alone ? about : null };
    this.views = command.fields.map((field) => new FieldView(schema, field, given));
    this.button = this.live ? null : Object.assign(control("button", { type: "submit", class: "send" }), { textContent: "Send" });
    this.element = this.#form(alone, about);
  }

  #form(alone, { sign, tip }) {
    const { command, views } = this;
    const legend = el("legend", {}, el("span", { class: "command-name" }, spoken(command.name)), sign, tip);
    const foot = el("div", { class: "command-foot" }, this.button, this.result.element);
    const fields = el("fieldset", {}, legend, ...views.map((view) => view.element), foot);
    const form = el("form", { class: ["command", this.live ? "live" : "", alone ? `alone ${command.fields[0].kind}-command` : ""].join(" ").trim(), noValidate: true, autocomplete: "off" }, fields);
    form.dataset.command = command.name;
    const moved = () => ((this.#touched = true), (this.#movedAt = performance.now()));
    form.addEventListener("input", moved, { capture: true }); // before the control sends it
    form.addEventListener("pointerdown", ({ target }) => (this.#pressed = target.type === "range"));
    const released = () => this.#pressed && ((this.#pressed = false), this.#settle());
    for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, released, { signal: this.#aborter.signal });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.tagName === "TEXTAREA") form.requestSubmit();
    });
    return form;
  }

  #submit() {
    const data = {};
    let wrong = null;
    for (const view of this.views) {
      const found = view.read();
      if (found === null) wrong ??= view;
      else if ("value" in found) data[view.field.name] = found.value;
    }
    if (wrong !== null) {
      this.result.say("", "");
      if (!this.live) wrong.focus();
    } else if (this.live) {
      this.stream.push(data);
    } else if (this.button.getAttribute("aria-disabled") !== "true") {
      this.#send(data);
    }
  }

  async #send(data) {
    // Not disabled: that would take the focus away from who pressed it.
    this.button?.setAttribute("aria-disabled", "true");
    this.#touched = false;
    this.#underWay += 1;
    await this.result.of(this.command.name, this.actions.send(this.command.name, data));
    this.#underWay -= 1;
    this.#settle();
    this.button?.setAttribute("aria-disabled", "false");
  }

  /** Shows how the model says that things are; what somebody is about to change stays. By convention `set_x` sets `x`. */
  reflect(values) {
    const [only, more] = this.views;
    if (more || this.command.name !== `set_${only.field.name}` || !(only.field.name in values)) return;
    this.#told = { value: values[only.field.name] };
    this.#settle();
  }

  /** Shows what the model has told last, once nobody changes it: what it tells meanwhile may be from before. */
  #settle() {
    clearTimeout(this.#timer);
    const typing = !this.live && this.element.contains(document.activeElement);
    if (this.#told === null || this.#touched || this.#pressed || this.#underWay > 0 || typing) return;
    const wait = this.#movedAt + SETTLE_MS - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#settle(), wait);
      return;
    }
    this.views[0].show(this.#told.value);
    this.#told = null;
  }

  destroy() {
    this.#aborter.abort();
    clearTimeout(this.#timer);
    this.stream.stop();
  }
}

/** Commands without fields: a row of buttons, and one line for what became of them. */
function buttonRow(commands, actions) {
  const result = new Result();
  const made = commands.map(({ name, summary }) => {
    const press = () => result.of(name, actions.send(name, {}), `${spoken(name)} `);
    const about = summary ? help(summary, spoken(name)) : null;
    const button = Object.assign(control("button", { type: "button", onclick: press }), { textContent: spoken(name) });
    if (about) button.setAttribute("aria-describedby", about.tip.id);
    const one = el("div", { class: "command plain" }, button, about?.sign ?? null, about?.tip ?? null);
    one.dataset.command = name;
    return one;
  });
  return el("div", { class: "command-buttons" }, ...made, result.element);
}

/**
 * Fills an element with the forms of all commands of a document; they are disabled until `setEnabled(true)`.
 * @param {HTMLElement} root @param {object} schema @param {Actions} actions
 */
export function buildControls(root, schema, actions) {
  const commands = commandsOf(schema);
  const plain = commands.filter(({ fields }) => fields.length === 0);
  const forms = commands.filter(({ fields }) => fields.length > 0).map((command) => new CommandForm(schema, command, actions));
  const none = commands.length === 0 ? el("p", { class: "muted" }, "This model takes no commands.") : null;
  const row = plain.length > 0 ? buttonRow(plain, actions) : null;
  const all = el("div", { class: "commands" }, row, ...forms.map(({ element }) => element), none);
  root.replaceChildren(all);
  const setEnabled = (enabled) => all.querySelectorAll("[data-control]").forEach((each) => (each.disabled = !enabled));
  setEnabled(false);
  return {
    setEnabled,
    /** Shows the values of a model's snapshot in the fields that set them. @param {object} values */
    reflect: (values) => forms.forEach((form) => form.reflect(values)),
    destroy() {
      forms.forEach((form) => form.destroy());
      all.remove();
    },
  };
}
