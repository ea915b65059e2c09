/**
 * Keys and gamepads that move a model: which of them do what, and what to send when they do.
 *
 * A binding holds or triggers. Held: while a key is down its field has the key's value; released, the field goes back to rest; all
 * bound fields of a command are sent together, whenever one of them changes. Triggered: a command without fields that have to be
 * given is sent once when the key goes down. The newest key wins, and keys win over gamepads.
 *
 * @typedef {{axis: number, negative: any, positive: any, invert?: boolean} | {button: number, value: any}} Source
 * @typedef {{rest: any, number: boolean, integer: boolean, keys: Record<string, any>, pad: Source[]}} HeldField
 * @typedef {{name: string, fields: Record<string, HeldField>}} Held
 * @typedef {{name: string, keys: string[], buttons: number[]}} Trigger
 * @typedef {{held: Held[], triggers: Trigger[]}} Bindings
 * @typedef {{keys: string[], axes: number[], buttons: number[], sent: Record<string, string>}} State
 */

import { conventionsOf } from "./conventions.js";
import { commandsOf } from "./shapes.js";

/** How far an axis rests from its middle without meaning anything. */
const DEAD_ZONE = 0.15;
/** How far an axis has to be for a choice, which has nothing between. */
const FIRM = 0.5;
/** The shortest time between two looks at what changes without steps, in ms. */
const REST_MS = 50;
/** How many sendings of one command may be unanswered; beyond it only the newest waits. */
const MOST_UNDER_WAY = 8;
const RESTING = ["idle", "none", "neutral", "stop", "off", "still"];

// --------------------------------------------------------------------------------------------------------- bindings

/** What is bound to what: as the model's manifest says, else by convention. @returns {Bindings} */
export function bindingsOf(schema) {
  const commands = commandsOf(schema);
  const { keys, gamepad } = schema?.["x-reactor"]?.playground ?? {};
  const usual = conventionsOf(commands);
  const bindings = { held: [], triggers: [] };
  for (const command of commands) {
    const byKey = (keys ?? usual.keys)[command.name];
    const byPad = (gamepad ?? usual.gamepad)[command.name];
    if (Array.isArray(byKey) || Array.isArray(byPad)) {
      bindings.triggers.push({ name: command.name, keys: listOf(byKey).map(keyName), buttons: listOf(byPad) });
    } else if (byKey || byPad) {
      bindings.held.push({ name: command.name, fields: heldFields(command, byKey ?? {}, byPad ?? {}) });
    }
  }
  return bindings;
}

const listOf = (given) => (Array.isArray(given) ? given : []);

function heldFields(command, byKey, byPad) {
  const bound = command.fields.filter(({ name }) => name in byKey || name in byPad);
  return Object.fromEntries(
    bound.map((field) => {
      const keys = Object.fromEntries(Object.entries(byKey[field.name] ?? {}).map(([key, value]) => [keyName(key), value]));
      const number = ["integer", "number"].includes(field.shape.type) && !field.shape.enum;
      const pad = (byPad[field.name] ?? []).map((source) => filled(source, field, number));
      return [field.name, { rest: restOf(field), number, integer: field.shape.type === "integer", keys, pad }];
    }),
  );
}

/** A part of a gamepad with its values: those of a number are its limits, where none are given. */
function filled(source, field, number) {
  if (!number) return source;
  const rest = restOf(field);
  const high = field.shape.maximum ?? rest + 1;
  if ("button" in source) return { value: high, ...source };
  return { negative: field.shape.minimum ?? rest - 1, positive: high, ...source };
}

/** What a field is set to while nothing is held. */
export function restOf({ initial, shape }) {
  if (initial !== undefined) return initial;
  const word = RESTING.find((each) => shape.enum?.includes(each));
  if (word !== undefined) return word;
  return shape.type === "boolean" ? false : 0;
}

const keyName = (key) => (key.length === 1 ? key.toLowerCase() : key);

/** Whether something is bound at all. */
export const isBound = ({ held, triggers }) => held.length + triggers.length > 0;

/**
 * What does what, for people: one entry for every value of a field and for every triggered command.
 * @param {Bindings} bindings @returns {{command: string, field: string|null, value: any, keys: string[], pad: string[], holds: boolean}[]}
 */
export function legendOf({ held, triggers }) {
  const rows = [];
  for (const { name, fields } of held) {
    for (const [field, { keys, pad }] of Object.entries(fields)) {
      const values = new Map();
      const row = (value) => {
        if (!values.has(value)) values.set(value, { command: name, field, value, keys: [], pad: [], holds: true });
        return values.get(value);
      };
      for (const [key, value] of Object.entries(keys)) row(value).keys.push(key);
      for (const [value, part] of pad.flatMap(padEnds)) row(value).pad.push(part);
      rows.push(...values.values());
    }
  }
  const once = ({ name, keys, buttons }) => ({ command: name, field: null, value: null, keys, pad: buttons.map((each) => `button ${each}`), holds: false });
  return [...rows, ...triggers.map(once)];
}

function padEnds(source) {
  if ("button" in source) return [[source.value, `button ${source.button}`]];
  const [low, high] = source.invert ? [source.positive, source.negative] : [source.negative, source.positive];
  return [[low, `axis ${source.axis} −`], [high, `axis ${source.axis} +`]].filter(([value]) => value !== undefined);
}

// ---------------------------------------------------------------------------------------------------------- reducing

/** Nothing held, nothing sent. @returns {State} */
export const atRest = () => ({ keys: [], axes: [], buttons: [], sent: {} });

/**
 * What an input changes, and which commands that means. Pure.
 *
 * An input is {down: key}, {up: key}, {release: true} (everything is let go), or {axes, buttons} of a gamepad, both as numbers.
 * @param {Bindings} bindings @param {State} before @returns {{state: State, send: {name: string, data: object}[]}}
 */
export function reduce(bindings, before, input) {
  const state = moved(before, input);
  const fired = bindings.triggers.filter((trigger) => isFired(trigger, before, state)).map(({ name }) => ({ name, data: {} }));
  const changed = [];
  const sent = { ...before.sent };
  for (const { name, fields } of bindings.held) {
    const data = Object.fromEntries(Object.entries(fields).map(([field, bound]) => [field, valueOf(bound, state)]));
    const rest = JSON.stringify(Object.fromEntries(Object.entries(fields).map(([field, bound]) => [field, bound.rest])));
    const text = JSON.stringify(data);
    if (text === (before.sent[name] ?? rest)) continue;
    sent[name] = text;
    changed.push({ name, data });
  }
  return { state: { ...state, sent }, send: [...changed, ...fired] };
}

function moved(before, input) {
  if (input.release) return { ...before, keys: [], axes: [], buttons: [] };
  if (input.down !== undefined) return { ...before, keys: [...before.keys.filter((key) => key !== input.down), input.down] };
  if (input.up !== undefined) return { ...before, keys: before.keys.filter((key) => key !== input.up) };
  return { ...before, axes: input.axes, buttons: input.buttons };
}

function isFired({ keys, buttons }, before, state) {
  const key = keys.some((each) => state.keys.includes(each) && !before.keys.includes(each));
  return key || buttons.some((each) => state.buttons[each] >= FIRM && !(before.buttons[each] >= FIRM));
}

function valueOf(bound, { keys, axes, buttons }) {
  const newest = keys.findLast((key) => key in bound.keys);
  if (newest !== undefined) return bound.keys[newest];
  let [most, value] = [0, bound.rest];
  for (const source of bound.pad) {
    const [far, found] = pushed(source, bound, axes, buttons);
    if (far > most) [most, value] = [far, found];
  }
  return value;
}

/** How far a part of a gamepad is pushed, 0 to 1, and what value that means. */
function pushed(source, bound, axes, buttons) {
  const raw = "button" in source ? (buttons[source.button] ?? 0) : (axes[source.axis] ?? 0) * (source.invert ? -1 : 1);
  const far = Math.min(1, (Math.abs(raw) - DEAD_ZONE) / (1 - DEAD_ZONE));
  const end = "button" in source ? source.value : raw < 0 ? source.negative : source.positive;
  if (!(far > 0) || end === undefined) return [0, bound.rest];
  if (!bound.number || typeof end !== "number") return Math.abs(raw) >= FIRM ? [far, end] : [0, bound.rest];
  // Hundredths: a stick that trembles is still.
  const value = bound.rest + (end - bound.rest) * (Math.round(far * 100) / 100);
  return [far, bound.integer ? Math.round(value) : Number(value.toPrecision(6))];
}

// ----------------------------------------------------------------------------------------------------------- binding

/**
 * Listens to keys and gamepads until it is destroyed. Keys that something with the focus needs itself are left to it.
 *
 * `press` and `release` are for buttons on the page, with the names of keys.
 * @param {EventTarget & {document?: Document}} target a window @param {Bindings} bindings
 * @param {{send: (name: string, data: object) => Promise<any>, held?: (keys: string[]) => void}} actions
 * @returns {{press(key: string): void, release(key: string): void, destroy(): void}}
 */
export function bindKeys(target, bindings, actions) {
  return new Binder(target, bindings, actions);
}

class Binder {
  #state = atRest();
  /** Which binding each physical key holds: with Shift the same key has another name when it comes up. */
  #down = new Map();
  #sender;
  #aborter = new AbortController();
  #frame = 0;
  #looked = -Infinity;

  constructor(target, bindings, actions) {
    this.target = target;
    this.bindings = bindings;
    this.actions = actions;
    this.#sender = new Sender(actions.send);
    this.known = new Set([...bindings.held.flatMap(({ fields }) => Object.values(fields).flatMap(({ keys }) => Object.keys(keys))), ...bindings.triggers.flatMap(({ keys }) => keys)]);
    const listen = (on, type, act) => on.addEventListener(type, act, { signal: this.#aborter.signal });
    listen(target, "keydown", (event) => this.#keyDown(event));
    listen(target, "keyup", ({ code }) => this.#keyUp(code));
    listen(target, "blur", () => this.#letGo());
    listen(document, "visibilitychange", () => document.hidden && this.#letGo());
    this.#poll();
  }

  #keyDown(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isNeeded(event)) return;
    const key = [event.code, keyName(event.key)].find((name) => this.known.has(name));
    if (key === undefined) return;
    event.preventDefault();
    if (event.repeat || this.#down.has(event.code)) return;
    this.#down.set(event.code, key);
    this.press(key);
  }

  #keyUp(code) {
    const key = this.#down.get(code);
    this.#down.delete(code);
    // Two keys of the same name, such as both Shifts: the last one up lets go.
    if (key !== undefined && ![...this.#down.values()].includes(key)) this.release(key);
  }

  #letGo() {
    this.#down.clear();
    this.#take({ release: true });
  }

  press(key) {
    this.#take({ down: key });
  }

  release(key) {
    this.#take({ up: key });
  }

  #take(input) {
    const { state, send } = reduce(this.bindings, this.#state, input);
    this.#state = state;
    this.actions.held?.(state.keys);
    for (const { name, data } of send) this.#sender.send(name, data);
  }

  #poll() {
    // Firefox knows no gamepads on pages that are neither from https nor from localhost.
    const pad = [...(navigator.getGamepads?.() ?? [])].find((each) => each?.connected);
    if (pad && document.hasFocus()) this.#look(pad);
    this.#frame = requestAnimationFrame(() => this.#poll());
  }

  #look(pad) {
    const buttons = pad.buttons.map(({ value }) => value);
    const isPressed = (value) => value >= FIRM;
    const same = buttons.every((value, each) => isPressed(value) === isPressed(this.#state.buttons[each] ?? 0));
    const now = performance.now();
    if (same && now - this.#looked < REST_MS) return;
    this.#looked = now;
    this.#take({ axes: [...pad.axes], buttons });
  }

  destroy() {
    this.#aborter.abort();
    cancelAnimationFrame(this.#frame);
    this.#letGo();
  }
}

/** Sends each command's values in their order; where too many are unanswered, only the newest waits. */
class Sender {
  #underWay = new Map();
  #waiting = new Map();

  constructor(send) {
    this.act = send;
  }

  async send(name, data) {
    const count = this.#underWay.get(name) ?? 0;
    if (count >= MOST_UNDER_WAY) {
      this.#waiting.set(name, data);
      return;
    }
    this.#underWay.set(name, count + 1);
    try {
      await this.act(name, data);
    } catch (error) {
      // A refusal is shown by who sends, in the log; the next key says the next thing.
      if (error.code === undefined) throw error;
    } finally {
      this.#underWay.set(name, this.#underWay.get(name) - 1);
    }
    const next = this.#waiting.get(name);
    this.#waiting.delete(name);
    if (next !== undefined) this.send(name, next);
  }
}

const MOVING = /^(Arrow|Page|Home$|End$)/;
const PRESSING = new Set(["Enter", " "]);

/** Whether what has the focus needs a key for itself: text, a slider's arrows, a button's space bar. */
function isNeeded({ target, key, defaultPrevented }) {
  if (defaultPrevented || target.isContentEditable) return true;
  const tag = target.tagName;
  const type = tag === "INPUT" ? target.type : "";
  if (tag === "TEXTAREA" || tag === "SELECT" || (tag === "INPUT" && !["range", "radio", "checkbox", "file", "button"].includes(type))) return true;
  if (type === "range" || type === "radio") return MOVING.test(key) || key === " ";
  return (tag === "BUTTON" || tag === "SUMMARY" || tag === "A" || tag === "VIDEO" || type !== "") && PRESSING.has(key);
}
