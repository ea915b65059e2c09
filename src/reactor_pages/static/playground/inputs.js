/** What goes to the model: for each input track, a choice of sources, and a look at what is sent. */

import { button, el } from "./dom.js";
import { NoSource, device, file, sample } from "./sources.js";
import { Refusal } from "./wire.js";

const WORDS = { video: { device: "Camera", file: "Video file …", accept: "video/*" }, audio: { device: "Microphone", file: "Sound file …", accept: "audio/*,video/*" } };
const SOUND = /\.(mp3|m4a|aac|wav|flac|ogg|opus)$/i;

export class Inputs {
  #inputs = new Map();

  /**
   * @param {HTMLElement} root
   * @param {(name: string, track: MediaStreamTrack|null) => Promise<void>} publish
   */
  constructor(root, publish) {
    this.root = root;
    this.publish = publish;
    this.clips = [];
    this.shown = "";
  }

  /** Shows the input tracks, and the clips that can be played to them: names, and where they are. */
  show(tracks, clips) {
    const inputs = tracks.filter(({ direction }) => direction === "sendonly");
    const shape = JSON.stringify([inputs, clips]);
    if (shape === this.shown) return;
    this.shown = shape;
    this.#inputs.forEach((input) => input.stop());
    this.#inputs = new Map(inputs.map((track) => [track.name, new Input(track, clips, this.publish)]));
    this.root.replaceChildren(...[...this.#inputs.values()].map((input) => input.element));
    this.root.parentElement.hidden = inputs.length === 0;
  }

  /** The server takes a track no more. */
  dropped(name, message) {
    this.#inputs.get(name)?.dropped(message);
  }

  /** Whether commands of a connection make sense now. */
  setEnabled(enabled) {
    this.#inputs.forEach((input) => input.setEnabled(enabled));
  }

  /** Nothing is sent any more. */
  stop() {
    this.#inputs.forEach((input) => input.stop());
  }
}

class Input {
  #source = null;
  #choices = [];
  #turn = 0;

  constructor({ name, kind }, clips, publish) {
    this.name = name;
    this.kind = kind;
    this.publish = publish;
    const words = WORDS[kind];
    this.picker = el("input", { type: "file", accept: words.accept, class: "visually-hidden", tabIndex: -1, onchange: () => this.#picked() });
    this.picker.setAttribute("aria-label", `${words.file} for ${name}`);
    this.nothing = this.#choice("Nothing", () => this.stop());
    this.#choice(words.device, (chosen) => this.#take(chosen, () => device(kind), "Waiting for the browser's leave …"));
    this.fileChoice = this.#choice(words.file, () => this.picker.click());
    for (const { name: clip, url } of clips.filter((each) => kind === "audio" || !SOUND.test(each.name))) {
      this.#choice(`▶ ${clip}`, (chosen) => this.#take(chosen, () => sample(url, clip, kind)));
    }
    this.note = el("p", { class: "input-note muted", role: "status" });
    this.look = el("div", { class: "input-look", hidden: true });
    const heading = el("h3", {}, el("code", {}, name), el("span", { class: "muted" }, kind === "video" ? " video" : " sound"));
    const choices = el("div", { class: "choices", role: "group", "aria-label": `Source of ${name}` }, ...this.#choices);
    this.element = el("section", { class: "input" }, heading, choices, this.picker, this.look, this.note);
    this.element.dataset.track = name;
    this.#press(this.nothing);
  }

  #choice(text, act) {
    const made = button(text, () => act(made), { "aria-pressed": "false" });
    this.#choices.push(made);
    return made;
  }

  #press(chosen) {
    for (const each of this.#choices) each.setAttribute("aria-pressed", String(each === chosen));
  }

  #picked() {
    const [given] = this.picker.files;
    this.picker.value = "";
    if (given) this.#take(this.fileChoice, () => file(given, this.kind));
  }

  /** Takes a source, if nothing else was chosen meanwhile, and sends it; says why where it cannot. */
  async #take(chosen, open, meanwhile = "Opening …") {
    const turn = (this.#turn += 1);
    this.#say(meanwhile);
    let source = null;
    try {
      source = await open();
      if (turn !== this.#turn) return source.stop();
      await this.publish(this.name, source.track);
      if (turn !== this.#turn) return source.stop();
    } catch (error) {
      source?.stop();
      if (!(error instanceof NoSource || error instanceof Refusal)) throw error;
      if (turn === this.#turn) this.#say(refusal(error), true);
      return undefined;
    }
    this.#source?.stop();
    this.#source = source;
    source.track.onended = () => this.#source === source && this.dropped("The source has ended.");
    this.#press(chosen);
    this.#show(source);
    return undefined;
  }

  #show(source) {
    this.look.replaceChildren(...(source.preview ? [source.preview] : []));
    source.preview?.setAttribute("aria-label", `What is sent as ${this.name}`);
    this.look.hidden = source.preview === null;
    this.#say(`Sending ${source.label}`);
  }

  #say(text, wrong = false) {
    this.note.textContent = text;
    this.note.classList.toggle("wrong", wrong);
  }

  dropped(message) {
    this.stop();
    this.#say(message, true);
  }

  setEnabled(enabled) {
    for (const each of this.#choices) each.disabled = !enabled;
  }

  stop() {
    this.#turn += 1;
    this.#source?.stop();
    this.#source = null;
    this.look.replaceChildren();
    this.look.hidden = true;
    this.#say("");
    this.#press(this.nothing);
    this.publish(this.name, null);
  }
}

function refusal(error) {
  if (error instanceof NoSource || !/already published|taken/i.test(error.message)) return error.message;
  return "Somebody else sends this track. It is free again when they stop, or leave.";
}
