/** The commands of a model beside its picture, and the keys that send them. */

import { buildControls } from "./controls.js";
import { buildKeypad } from "./keypad.js";
import { bindKeys, bindingsOf, isBound } from "./keys.js";
import { keyHint, touchPad } from "./touch_pad.js";

export class Sidebar {
  #controls = null;
  #shown = "";
  #enabled = false;
  #bindings = null;
  #bound = null;
  #keypad = null;
  #pad = null;
  #hint = null;

  /** @param {HTMLElement} controls @param {HTMLElement} keys @param {import("./controls.js").Actions} actions */
  constructor(controls, keys, actions) {
    this.root = controls;
    this.keys = keys;
    this.actions = actions;
  }

  /** Shows what a schema document offers; one that is shown already keeps what was typed into its forms. */
  show(schema) {
    const shape = JSON.stringify(schema);
    if (shape === this.#shown) return;
    this.#shown = shape;
    this.#controls?.destroy();
    this.#controls = buildControls(this.root, schema, this.actions);
    this.#bind(null);
    this.#bindings = bindingsOf(schema);
    this.#keypad = buildKeypad(this.keys, this.#bindings, () => this.#bound);
    this.keys.parentElement.hidden = !isBound(this.#bindings);
    this.#pad = touchPad(this.#bindings, () => this.#bound);
    this.#hint = keyHint(this.#bindings);
    this.setEnabled(this.#enabled);
  }

  /** What stands on the picture: what the keys do, and pads for fingers. @returns {HTMLElement[]} */
  get onPicture() {
    return [this.#hint, this.#pad?.element].filter(Boolean);
  }

  /** Shows which keys are held; whoever has held one knows them. */
  #held(keys) {
    this.#keypad.held(keys);
    this.#pad?.held(keys);
    if (keys.length > 0) this.#hint?.remove();
  }

  /** Whether commands can be sent now. */
  setEnabled(enabled) {
    this.#enabled = enabled;
    this.#controls?.setEnabled(enabled);
    this.#bind(enabled && this.#bindings !== null ? this.#bindings : null);
    this.#keypad?.setEnabled(enabled);
  }

  /** Shows in the forms how the model says that things are. @param {object} values */
  reflect(values) {
    this.#controls?.reflect(values);
  }

  /** Listens to the keys of these bindings, or to none. */
  #bind(bindings) {
    if (bindings !== null && this.#bound !== null) return;
    this.#bound?.destroy();
    const { send } = this.actions;
    this.#bound = bindings && bindKeys(window, bindings, { send, held: (keys) => this.#held(keys) });
  }
}
