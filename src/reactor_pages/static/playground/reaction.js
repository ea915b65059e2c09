/**
 * Time from a command to the picture that answers it: seen in the pixels where the change stands out from the usual, and else reckoned
 * from when the next picture was made after the command had run.
 */

const SMALL = { width: 32, height: 18 };
const PATIENCE_MS = 2500;
/** How often two pictures in a row are compared while nothing is asked, to know how much they differ anyhow. */
const CALM_MS = 1000;
const LEAST_CHANGE = 2.5;
const OUTSTANDING = 3;

export class Reaction {
  #pending = null;
  #usual = null;
  #before = null;
  #comparedAt = 0;

  /** @param {(ms: number, seen: boolean) => void} measured ``seen`` is whether the pixels said so */
  constructor(measured) {
    this.measured = measured;
    const canvas = Object.assign(document.createElement("canvas"), SMALL);
    this.context = canvas.getContext("2d", { willReadFrequently: true });
  }

  /** A command leaves. @param {number} sentAt ``performance.now()`` @param {HTMLVideoElement|null} video */
  asked(name, sentAt, video) {
    if (this.#pending && sentAt - this.#pending.sentAt < PATIENCE_MS) return;
    this.#before = video?.videoWidth ? this.#grab(video) : null;
    this.#pending = { name, sentAt, handledAt: null, reckonedMs: null };
  }

  /** Its answer has come. @param {number} rttMs of the path, 0 where it is not known */
  answered(name, sentAt, answeredAt, ok, rttMs) {
    if (this.#pending?.sentAt !== sentAt || this.#pending.name !== name) return;
    if (!ok) this.#pending = null;
    else this.#pending.handledAt = answeredAt - rttMs / 2;
  }

  /**
   * A picture is shown.
   * @param {HTMLVideoElement} video @param {{now: number, shownAt: number, madeAt: number|null}} times ``madeAt`` is null where it is not known
   */
  frame(video, { now, shownAt, madeAt }) {
    if (this.#pending) this.#look(video, now, shownAt, madeAt);
    else if (now - this.#comparedAt > CALM_MS) this.#calm(video, now);
  }

  #look(video, now, shownAt, madeAt) {
    const pending = this.#pending;
    if (pending.reckonedMs === null && pending.handledAt !== null && madeAt !== null && madeAt >= pending.handledAt) {
      pending.reckonedMs = shownAt - pending.sentAt;
    }
    const picture = this.#grab(video);
    const change = this.#before === null ? 0 : difference(this.#before, picture);
    this.#before = picture;
    if (change > Math.max(LEAST_CHANGE, OUTSTANDING * (this.#usual ?? 0))) {
      this.#done(shownAt - pending.sentAt, true);
    } else if (now - pending.sentAt > PATIENCE_MS) {
      if (pending.reckonedMs === null) this.#pending = null;
      else this.#done(pending.reckonedMs, false);
    }
  }

  #done(ms, seen) {
    this.#pending = null;
    this.#before = null;
    this.#comparedAt = performance.now();
    this.measured(ms, seen);
  }

  /** Two pictures in a row, once a second. */
  #calm(video, now) {
    const picture = this.#grab(video);
    if (this.#before === null) {
      this.#before = picture;
      return;
    }
    const change = difference(this.#before, picture);
    this.#usual = this.#usual === null ? change : 0.7 * this.#usual + 0.3 * change;
    this.#before = null;
    this.#comparedAt = now;
  }

  #grab(video) {
    this.context.drawImage(video, 0, 0, SMALL.width, SMALL.height);
    return this.context.getImageData(0, 0, SMALL.width, SMALL.height).data;
  }
}

/** Mean difference of two pictures, 0 to 255. */
export function difference(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 4) {
    sum += Math.abs(one[at] - other[at]) + Math.abs(one[at + 1] - other[at + 1]) + Math.abs(one[at + 2] - other[at + 2]);
  }
  return sum / ((one.length / 4) * 3);
}
