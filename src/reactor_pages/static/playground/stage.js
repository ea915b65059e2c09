/** What the model shows: a screen for every video track, a loudspeaker for every sound track. */

import { ClipRecorder, canRecord } from "./clip_recorder.js";
import { button, el, save, stamped } from "./dom.js";
import { icon } from "./icons.js";

/** Events: ``frame`` {name, video, now, metadata} for each picture that is shown, ``trouble`` {message} for what did not work. */
export class Stage extends EventTarget {
  #screens = new Map();
  #speakers = new Map();
  #overlay = [];

  /** @param {HTMLElement} screens @param {HTMLElement} speakers */
  constructor(screens, speakers) {
    super();
    this.roots = { screens, speakers };
    this.shown = "";
    /** What may have to be done before there is a picture. */
    this.hint = "";
  }

  /** Makes a place for each output track; those that stay keep theirs. */
  show(tracks) {
    const outputs = tracks.filter(({ direction }) => direction === "recvonly");
    const shape = JSON.stringify(outputs);
    if (shape === this.shown) return;
    this.shown = shape;
    this.#screens.forEach((screen) => screen.stop());
    const of = (kind) => outputs.filter((track) => track.kind === kind).map(({ name }) => name);
    this.#screens = new Map(of("video").map((name) => [name, new Screen(name, this)]));
    this.#speakers = new Map(of("audio").map((name) => [name, new Speaker(name, () => this.#heard())]));
    this.roots.screens.replaceChildren(...[...this.#screens.values()].map((screen) => screen.element));
    const needed = tracks.filter(({ direction }) => direction === "sendonly").map(({ name }) => name);
    this.hint = needed.length ? `This model takes ${needed.join(" and ")}: choose a source below Inputs.` : "";
    this.overlay(this.#overlay);
    this.roots.screens.dataset.count = String(this.#screens.size);
    this.roots.screens.hidden = this.#screens.size === 0;
    this.soundOn = button("Sound on", () => this.#speakers.forEach((speaker) => speaker.mute(false)), { class: "primary sound-on" });
    this.roots.speakers.replaceChildren(...(this.#speakers.size ? [this.soundOn] : []), ...[...this.#speakers.values()].map((each) => each.element));
    this.roots.speakers.hidden = this.#speakers.size === 0;
  }

  /** Lays something over the first screen's picture, instead of what lay there. @param {HTMLElement[]} elements */
  overlay(elements) {
    this.#overlay.forEach((each) => each.remove());
    this.#overlay = elements;
    this.#screens.values().next().value?.frame.append(...elements);
  }

  #heard() {
    this.soundOn.hidden = [...this.#speakers.values()].every((speaker) => !speaker.muted);
  }

  /** A track has come: it is shown where its place is. */
  attach(name, kind, track) {
    (kind === "video" ? this.#screens : this.#speakers).get(name)?.attach(track);
  }

  /** What stands below a screen. */
  label(name, text) {
    this.#screens.get(name)?.label(text);
  }

  /** Says on all screens why there is no picture; null where there will be one. */
  curtain(text) {
    this.#screens.forEach((screen) => screen.curtain(text));
  }

  /** The first screen's video element, or null. */
  get video() {
    return this.#screens.values().next().value?.video ?? null;
  }

  /** The tracks that are heard, for a recording. */
  get sounds() {
    return [...this.#speakers.values()].map((speaker) => speaker.track).filter((track) => track !== null);
  }
}

class Screen {
  constructor(name, stage) {
    this.name = name;
    this.stage = stage;
    this.video = el("video", { muted: true, autoplay: true, playsInline: true, "aria-label": `Picture of ${name}` });
    this.veil = el("p", { class: "veil" }, "Waiting for the first picture …");
    this.caption = el("span", { class: "screen-figures muted" });
    this.record = button("Record a clip", () => this.#record(), { sign: icon("record"), "aria-pressed": "false" });
    this.recorder = new ClipRecorder(name, (going, trouble) => this.#recording(going, trouble));
    const tools = [
      button("Save picture", () => this.#save(), { sign: icon("picture") }),
      canRecord() ? this.record : null,
      document.pictureInPictureEnabled ? button("Picture in picture", () => this.#float(), { sign: icon("float") }) : null,
      button("Fullscreen", () => this.#fill(), { sign: icon("full") }),
    ];
    const bar = el("figcaption", {}, el("code", {}, name), this.caption, el("span", { class: "tools" }, ...tools.filter(Boolean)));
    this.frame = el("div", { class: "frame blank" }, this.video, this.veil);
    this.element = el("figure", { class: "screen" }, this.frame, bar);
    this.element.dataset.track = name;
    this.#follow();
  }

  #follow() {
    if (!this.video.requestVideoFrameCallback) {
      this.video.addEventListener("timeupdate", () => this.#shown(performance.now(), {}));
      return;
    }
    const next = (now, metadata) => {
      this.#shown(now, metadata);
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
  }

  #shown(now, metadata) {
    this.frame.classList.remove("blank");
    if (!this.veil.hidden && !this.veil.dataset.stays) this.veil.hidden = true;
    this.stage.dispatchEvent(new CustomEvent("frame", { detail: { name: this.name, video: this.video, now, metadata } }));
  }

  attach(track) {
    this.stop();
    this.track = track;
    this.video.srcObject = new MediaStream([track]);
    // A page that is left while a play is pending aborts it; a muted one is refused nowhere.
    this.video.play().catch((error) => error.name === "AbortError" || error.name === "NotAllowedError" || Promise.reject(error));
  }

  label(text) {
    this.caption.textContent = text;
  }

  curtain(text) {
    this.veil.textContent = text ?? `Waiting for the first picture … ${this.stage.hint}`;
    if (text === null) delete this.veil.dataset.stays;
    else this.veil.dataset.stays = "yes";
    this.veil.hidden = false;
  }

  async #save() {
    const canvas = el("canvas", { width: this.video.videoWidth, height: this.video.videoHeight });
    if (!canvas.width) return;
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    save(blob, stamped(this.name, "png"));
  }

  #record() {
    if (this.recorder.going) this.recorder.stop();
    else if (this.track) this.recorder.start([this.track, ...this.stage.sounds]);
  }

  #recording(going, trouble) {
    this.record.setAttribute("aria-pressed", String(going));
    this.record.title = going ? "Stop, and save the clip" : "Record a clip";
    if (trouble) this.stage.dispatchEvent(new CustomEvent("trouble", { detail: { message: trouble } }));
  }

  /** Ends a recording; what was recorded is saved. */
  stop() {
    this.recorder.stop();
  }

  async #float() {
    if (document.pictureInPictureElement === this.video) await document.exitPictureInPicture();
    else if (this.video.readyState > 0) await this.video.requestPictureInPicture();
  }

  async #fill() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.frame.requestFullscreen) await this.frame.requestFullscreen();
    else this.video.webkitEnterFullscreen?.(); // iPhones fill the screen with nothing else
  }
}

class Speaker {
  constructor(name, changed) {
    this.changed = changed;
    this.track = null;
    // Browsers let a page sound only after somebody has touched it.
    this.audio = el("audio", { muted: true, autoplay: true });
    this.toggle = button(`Sound of ${name}`, () => this.mute(!this.muted), { sign: icon("silent"), "aria-pressed": "false" });
    this.volume = el("input", { type: "range", min: "0", max: "1", step: "0.05", value: "1", "aria-label": `Volume of ${name}` });
    this.volume.addEventListener("input", () => {
      this.audio.volume = Number(this.volume.value);
      if (this.muted) this.mute(false);
    });
    this.element = el("div", { class: "speaker" }, this.toggle, el("code", {}, name), this.volume, this.audio);
    this.element.dataset.track = name;
  }

  get muted() {
    return this.audio.muted;
  }

  attach(track) {
    this.track = track;
    this.audio.srcObject = new MediaStream([track]);
    this.#play();
  }

  mute(muted) {
    this.audio.muted = muted;
    this.toggle.replaceChildren(icon(muted ? "silent" : "sound"));
    this.toggle.setAttribute("aria-pressed", String(!muted));
    if (!muted) this.#play();
    this.changed();
  }

  #play() {
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.mute(true);
      else if (error.name !== "AbortError") throw error;
    });
  }
}
