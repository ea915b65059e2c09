/** Records what is shown and heard into a file, as each browser can. */

import { save, stamped } from "./dom.js";

const LONGEST_CLIP_MS = 120000;
const SOUNDING = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus"];
const SILENT = ["video/webm;codecs=vp9", "video/webm;codecs=vp8"];
const ANY = ["video/webm", "video/mp4"];

/**
 * The type to record as, undefined where there is none. A type with a sound codec, asked for without a sound track, gives an error
 * and no data in Firefox.
 * @param {boolean} sounding @param {(type: string) => boolean} supported
 */
export const clipType = (sounding, supported) => [...(sounding ? SOUNDING : SILENT), ...ANY].find(supported);

/** Whether this browser records at all. */
export const canRecord = () => Boolean(window.MediaRecorder && clipType(false, (type) => MediaRecorder.isTypeSupported(type)));

export class ClipRecorder {
  #recorder = null;
  #limit = null;
  #mixer = null;

  /** @param {string} name of the file @param {(going: boolean, trouble: string) => void} changed is told of begin and end */
  constructor(name, changed) {
    this.name = name;
    this.changed = changed;
  }

  get going() {
    return this.#recorder !== null;
  }

  /** Begins; the file is saved at the end, two minutes later at most. @param {MediaStreamTrack[]} tracks */
  start(tracks) {
    const live = tracks.filter(({ readyState }) => readyState === "live");
    if (live.length === 0) return this.changed(false, "There is nothing to record: no picture comes.");
    this.#mixer = mixerOf(live.filter(({ kind }) => kind === "audio"));
    try {
      this.#recorder = this.#record([...live.filter(({ kind }) => kind === "video"), ...this.#mixer.tracks]);
    } catch (error) {
      this.#forget();
      if (!(error instanceof DOMException)) throw error;
      return this.changed(false, `No clip was recorded: ${error.message}`);
    }
    this.#limit = setTimeout(() => this.stop(), LONGEST_CLIP_MS);
    return this.changed(true, "");
  }

  #record(tracks) {
    const mimeType = clipType(tracks.some(({ kind }) => kind === "audio"), (type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(new MediaStream(tracks), { mimeType, videoBitsPerSecond: 8e6 });
    const parts = [];
    let trouble = "nothing was shown meanwhile";
    recorder.ondataavailable = ({ data }) => data.size > 0 && parts.push(data);
    recorder.onerror = ({ error }) => (trouble = error?.message ?? "the browser does not say why");
    recorder.onstop = () => this.#ended(recorder, parts, trouble);
    recorder.start(1000);
    return recorder;
  }

  #ended(recorder, parts, trouble) {
    if (parts.length > 0) save(new Blob(parts, { type: recorder.mimeType }), stamped(this.name, recorder.mimeType.includes("mp4") ? "mp4" : "webm"));
    if (this.#recorder === recorder) this.#forget();
    this.changed(this.going, parts.length > 0 ? "" : `No clip was recorded: ${trouble}.`);
  }

  #forget() {
    clearTimeout(this.#limit);
    this.#recorder = null;
    this.#mixer?.close();
    this.#mixer = null;
  }

  /** Ends it; what was recorded is saved. */
  stop() {
    const recorder = this.#recorder;
    if (recorder === null) return;
    if (recorder.state !== "inactive") recorder.stop();
    this.#forget();
    this.changed(false, "");
  }
}

/** The one sound track of several: recorders take no more. @param {MediaStreamTrack[]} sounds */
function mixerOf(sounds) {
  if (sounds.length < 2) return { tracks: sounds, close: () => undefined };
  const context = new AudioContext();
  const mixed = context.createMediaStreamDestination();
  for (const track of sounds) context.createMediaStreamSource(new MediaStream([track])).connect(mixed);
  return { tracks: mixed.stream.getAudioTracks(), close: () => context.close() };
}
