/**
 * The way into a hosted session: an API key, a model, a place in the queue.
 *
 * `mountHosted(root, {onSession})` draws it into an element. `onSession(session)` gets a session that a worker runs; what it
 * needs goes into `new Client({origin: session.origin, base: session.base, headers: () => session.headers()})`. The page tells
 * `over(detail)` of what it was given back when that session has ended, in whatever way; then the next one can be begun.
 */

import { Account, KeptKey, explained, withCode } from "./account.js";
import { button, el } from "./dom.js";
import { openSession } from "./hosted_session.js";
import { HttpFailure, SessionOver } from "./signalling.js";

export { openSession } from "./hosted_session.js";

const MODELS_EVERY_MS = 2000;
const KEPT = "reactor-playground-key";
const DEFAULT_MODEL = new URLSearchParams(window.location.search).get("model") ?? "";

/**
 * @param {HTMLElement} root
 * @param {{onSession: (session: import("./hosted_session.js").HostedSession) => void}} hooks
 */
export function mountHosted(root, hooks) {
  return new Entrance(root, hooks);
}

class Entrance {
  #account = null;
  #model = DEFAULT_MODEL;
  #session = null;
  #leaving = null;
  #kept = new KeptKey(KEPT);
  #alert = el("p", { class: "entrance-alert", role: "alert" });
  #body = el("div", { class: "entrance-body" });

  constructor(root, { onSession }) {
    this.root = root;
    this.onSession = onSession;
    document.head.append(el("link", { rel: "stylesheet", href: new URL("hosted.css", import.meta.url).href }));
    root.classList.add("entrance");
    root.replaceChildren(this.#alert, this.#body);
    window.addEventListener("pagehide", () => this.#session?.leave());
    const known = this.#kept.read();
    this.#showSignIn();
    if (known) this.#signIn(known, true);
  }

  /** The session that runs, or null. */
  get session() {
    return this.#session;
  }

  /** The session that was handed out is over: says why, and lets another one be begun. */
  async over(detail = "") {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    const told = (await session.state())?.reason || detail || "The session is over.";
    this.#showModels();
    this.#say("Session over", told, "");
  }

  /** Ends the session that runs, if one does. */
  async end() {
    await this.#session?.end();
  }

  // ------------------------------------------------------------------------------------------------------ sign in

  #showSignIn() {
    const key = el("input", {
      type: "password", id: "entrance-key", name: "key", required: true, autocomplete: "off", spellcheck: false, placeholder: "rk_…", maxLength: 128,
      "aria-describedby": "entrance-key-help",
    });
    const keep = el("input", { type: "checkbox", id: "entrance-keep" });
    const form = el(
      "form",
      { class: "entrance-form" },
      el("label", { for: "entrance-key" }, "API key"),
      el("div", { class: "entrance-row" }, key, el("button", { type: "submit", class: "primary" }, "Sign in")),
      el("p", { id: "entrance-key-help", class: "muted" }, "From whoever runs this server, or made there with ", el("code", {}, "reactor keys create NAME"), ". It is kept in this page's memory."),
      el("label", { class: "entrance-check", for: "entrance-keep" }, keep, "Remember it in this tab, until the tab is closed"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signIn(key.value, keep.checked);
    });
    this.#show("Play a model that runs on this server", form);
    return key;
  }

  async #signIn(key, keep) {
    const account = new Account(key);
    const done = this.#busy();
    try {
      await account.signIn();
      this.#account = account;
      this.#kept.write(keep ? key.trim() : "");
      await this.#showModels();
    } catch (error) {
      this.#fail(error);
      if (error.status === 401) this.#kept.write("");
    } finally {
      done();
    }
  }

  #signOut() {
    this.#kept.write("");
    this.#account = null;
    this.#showSignIn().focus();
  }

  // ------------------------------------------------------------------------------------------------------- models

  async #showModels() {
    const list = el("fieldset", { class: "models" }, el("legend", {}, "Model"));
    const begin = el("button", { type: "submit", class: "primary" }, "Play");
    const form = el("form", { class: "entrance-form" }, list, el("div", { class: "entrance-row" }, begin, button("Sign out", () => this.#signOut(), { class: "quiet" })));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#model = new FormData(form).get("model") ?? this.#model;
      this.#begin();
    });
    this.#show("Choose a model", form);
    const cards = new ModelCards(list, this.#model);
    try {
      while (form.isConnected) {
        if (!document.hidden) begin.disabled = !cards.update((await this.#account.ask("GET", "/models")).body.models);
        if (form.dataset.drawn === undefined) {
          form.dataset.drawn = "";
          begin.focus();
        }
        await new Promise((resolve) => setTimeout(resolve, MODELS_EVERY_MS));
      }
    } catch (error) {
      if (form.isConnected) this.#fail(error);
    }
  }

  // ------------------------------------------------------------------------------------------------------ waiting

  async #begin() {
    const leaving = (this.#leaving = new AbortController());
    const place = new PlaceShown(this.#model, () => leaving.abort(new DOMException("left", "AbortError")));
    this.#show("", place.element);
    place.focus();
    try {
      const session = await openSession({
        account: this.#account,
        model: this.#model,
        onPlace: (standing) => place.update(standing),
        signal: leaving.signal,
      });
      this.#session = session;
      this.#hide();
      this.onSession(session);
    } catch (error) {
      this.#showModels();
      if (error instanceof SessionOver) this.#say("Session over", error.message, "");
      else if (!leaving.signal.aborted) this.#fail(error);
    } finally {
      place.end();
    }
  }

  // ------------------------------------------------------------------------------------------------------ drawing

  #show(title, content) {
    this.#say("", "", "");
    this.#body.replaceChildren(...(title ? [el("h2", {}, title)] : []), content);
    this.root.hidden = false;
  }

  #hide() {
    this.#body.replaceChildren();
    this.root.hidden = true;
  }

  #busy() {
    const waiting = [...this.#body.querySelectorAll("button, input")].filter((each) => !each.disabled);
    for (const each of waiting) each.disabled = true;
    return () => waiting.forEach((each) => (each.disabled = false));
  }

  #fail(error) {
    const { title, text, code } = explained(error instanceof HttpFailure ? error : unexpected(error));
    this.#say(title, text, code);
  }

  #say(title, text, code) {
    const parts = title ? [el("strong", {}, title), " ", ...withCode(text), code ? el("small", { class: "muted" }, code) : null] : [];
    this.#alert.replaceChildren(...parts.filter((part) => part !== null));
  }
}

/** What is no refusal is a mistake of this page: it is thrown where the browser's console shows it. */
function unexpected(error) {
  throw error;
}

/** The models of a server, one of which is chosen; drawn anew without losing the choice or the focus. */
class ModelCards {
  #rows = new Map();

  constructor(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    this.empty = el("p", { class: "muted" }, "Looking for models …");
    list.append(this.empty);
  }

  /** Shows how busy they are. Returns whether there is one to choose. */
  update(models) {
    const names = new Set(models.map((model) => model.name));
    for (const [name, row] of this.#rows) {
      if (!names.has(name)) {
        row.element.remove();
        this.#rows.delete(name);
      }
    }
    for (const model of models) {
      const row = this.#rows.get(model.name) ?? this.#add(model.name);
      const { word, text } = standing(model);
      row.element.dataset.state = word;
      if (row.state.textContent !== text) row.state.textContent = text;
    }
    this.empty.hidden = models.length > 0;
    if (!models.length) this.empty.textContent = "This server has no models.";
    if (models.length && !this.list.querySelector("input:checked")) this.list.querySelector("input").checked = true;
    return models.length > 0;
  }

  #add(name) {
    const choice = el("input", { type: "radio", name: "model", value: name, checked: name === this.chosen });
    const state = el("span", { class: "model-state muted" });
    const element = el("label", { class: "model" }, choice, el("span", { class: "model-name" }, name), state);
    this.list.append(element);
    const row = { element, state };
    this.#rows.set(name, row);
    return row;
  }
}

function standing({ workers, free, waiting }) {
  const people = waiting === 1 ? "1 waits" : `${waiting} wait`;
  if (waiting > 0) return { word: "busy", text: `${people} in the queue` };
  if (free > 0) return { word: "free", text: free === 1 ? "a worker is free" : `${free} workers are free` };
  if (workers > 0) return { word: "busy", text: "all workers are busy" };
  return { word: "cold", text: "a worker is started when you play" };
}

/** The place in the queue, and for how long one has been in it. */
class PlaceShown {
  #since = performance.now();
  #number = el("p", { class: "place-number" });
  #text = el("p", { class: "place-text", role: "status" }, "Asking for a session …");
  #time = el("p", { class: "place-time muted" });
  #bar = el("progress", { class: "place-bar", "aria-label": "Way through the queue", hidden: true });
  #first = null;
  #leave;
  #clock;
  #model;
  #title = document.title;

  constructor(model, onLeave) {
    this.#model = model;
    this.#leave = button("Leave the queue", onLeave);
    this.element = el("div", { class: "place" }, el("h2", {}, model), this.#number, this.#text, this.#bar, this.#time, this.#leave);
    this.#clock = setInterval(() => this.#tick(), 1000);
    this.#tick();
  }

  focus() {
    this.#leave.focus();
  }

  end() {
    clearInterval(this.#clock);
    if (document.title.startsWith("(")) document.title = this.#title;
  }

  update({ state, position, waiting, estimatedWaitS, restarts }) {
    this.element.dataset.state = state;
    const queued = position !== null;
    this.#number.textContent = queued ? `${position}` : "";
    if (queued) this.#first = Math.max(this.#first ?? position, position);
    this.#bar.hidden = !queued;
    if (queued) Object.assign(this.#bar, { max: this.#first, value: this.#first - position });
    document.title = queued ? `(${position}) ${this.#model} – Reactor playground` : this.#title;
    const wait = estimatedWaitS === null ? "" : `, about ${lasting(estimatedWaitS)} to wait`;
    const again = restarts > 0 ? "The worker was lost; another one is looked for. " : "";
    this.#text.textContent = again + (queued ? `Place ${position} of ${waiting} in the queue${wait}.` : WORDS[state] ?? "Waiting for a worker …");
  }

  #tick() {
    this.#time.textContent = `Waiting for ${lasting((performance.now() - this.#since) / 1000)}`;
  }
}

const WORDS = { PENDING: "It is your turn: the worker begins …", ACTIVE: "The worker gets ready …" };

/** Seconds, for a person. */
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}
