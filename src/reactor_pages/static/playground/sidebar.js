/** The commands of a model beside its picture. */

import { buildControls } from "./controls.js";

export class Sidebar {
  #controls = null;
  #shown = "";
  #enabled = false;

  /** @param {HTMLElement} controls @param {import("./controls.js").Actions} actions */
  constructor(controls, actions) {
    this.root = controls;
    this.actions = actions;
  }

  /** Shows what a schema document offers; one that is shown already keeps what was typed into its forms. */
  show(schema) {
    const shape = JSON.stringify(schema);
    if (shape === this.#shown) return;
    this.#shown = shape;
    this.#controls?.destroy();
    this.#controls = buildControls(this.root, schema, this.actions);
    this.#controls.setEnabled(this.#enabled);
  }

  /** Whether commands can be sent now. */
  setEnabled(enabled) {
    this.#enabled = enabled;
    this.#controls?.setEnabled(enabled);
  }
}
