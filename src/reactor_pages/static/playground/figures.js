/** The panel of figures: each with its unit, a small curve of the last minute, and what it means. */

import { el } from "./dom.js";
import { Reaction } from "./reaction.js";
import { Arrivals, firstVideo, median, rates, read } from "./stats.js";

const PERIOD_MS = 1000;
const POINTS = 60;
const RECENT = 30;

/** Those that are measured again and again, and so have a curve. */
const CURVED = new Set(["fps", "in", "out", "rtt", "loss", "jitter", "glass", "command", "reaction"]);
/** Name, unit, decimals, what it means. */
const TILES = {
  fps: ["Frame rate", "fps", 1, "Pictures that were decoded in the last second."],
  in: ["Bitrate in", "Mbit/s", 2, "What comes from the model."],
  out: ["Bitrate out", "Mbit/s", 2, "What goes to the model."],
  rtt: ["Round trip", "ms", 1, "Network alone, there and back."],
  loss: ["Loss", "%", 1, "Packets that did not arrive, of the last second's."],
  jitter: ["Jitter", "ms", 1, "How unevenly packets arrive."],
  glass: ["Model to screen", "ms", 0, "From when a picture left the model until it is shown: an estimate, by the server's clock as RTCP brings it to this one, or else by the network's time and what pictures wait here."],
  command: ["Command, answered", "ms", 1, "From sending a command until its result has come back."],
  reaction: ["Command to picture", "ms", 0, "From sending a command until the first changed picture is shown."],
  connect: ["Connected in", "ms", 0, "From asking for the session until the connection was open."],
  first: ["First picture after", "ms", 0, "From asking for the session until the first picture was shown."],
  picture: ["Picture", "", 0, "Size and codec of the first video."],
};

export class Figures {
  #tiles = new Map();
  #before = null;
  #delays = [];
  #arrivals = new Arrivals();
  #stamped = false;
  #rttMs = 0;
  #firstFor = null;

  /** @param {HTMLElement} root @param {import("./client.js").Client} client @param {import("./stage.js").Stage} stage */
  constructor(root, client, stage) {
    this.client = client;
    this.stage = stage;
    for (const [id, [name, unit, decimals, help]] of Object.entries(TILES)) this.#tiles.set(id, new Tile(id, { name, unit, decimals, help }));
    root.replaceChildren(...[...this.#tiles.values()].map((tile) => tile.element));
    this.reaction = new Reaction((ms, seen) => this.#set("reaction", ms, seen ? "seen in the pixels" : "estimate: next picture made"));
    stage.addEventListener("frame", ({ detail }) => this.#frame(detail));
    client.addEventListener("asked", ({ detail }) => this.reaction.asked(detail.name, detail.sentAt, stage.video));
    client.addEventListener("result", ({ detail }) => this.#answered(detail));
    client.addEventListener("status", ({ detail }) => this.#status(detail.status));
    this.timer = setInterval(() => this.#measure(), PERIOD_MS);
  }

  #set(id, value, note) {
    this.#tiles.get(id).set(value, note);
  }

  #status(status) {
    if (status === "ready") this.#set("connect", this.client.connectMs);
    else if (status !== "idle") for (const id of ["fps", "in", "out", "rtt", "loss", "jitter", "glass"]) this.#set(id, null);
    if (status === "connecting" || status === "reconnecting") this.#firstFor = null;
    this.#delays = [];
    this.#arrivals = new Arrivals();
  }

  #answered({ name, ok, sentAt, answeredAt, acknowledged }) {
    this.reaction.answered(name, sentAt, answeredAt, ok, this.#rttMs);
    if (ok && acknowledged) this.#set("command", answeredAt - sentAt);
  }

  #frame({ video, now, metadata }) {
    if (video !== this.stage.video) return;
    const shownAt = metadata.expectedDisplayTime ?? now;
    if (this.#firstFor === null && this.client.status === "ready") {
      this.#firstFor = this.client.startedAt;
      this.#set("first", shownAt - this.client.startedAt);
    }
    this.#stamped = metadata.captureTime > 0;
    const madeAt = this.#stamped ? metadata.captureTime : this.#arrivals.sentAt(metadata, this.#rttMs);
    if (madeAt !== null) this.#delays = [...this.#delays.slice(1 - RECENT), shownAt - madeAt];
    this.reaction.frame(video, { now, shownAt, madeAt });
  }

  async #measure() {
    const { peer, mids } = this.client;
    if (peer === null || this.client.status !== "ready") {
      this.#before = null;
      return;
    }
    const reading = read(await peer.getStats(), mids, performance.now());
    if (this.#before?.peer === peer) this.#show(rates(this.#before.reading, reading), reading);
    this.#before = { peer, reading };
  }

  #show(rate, reading) {
    this.#rttMs = rate.rttMs ?? 0;
    const sends = [...reading.tracks.values()].some((track) => track.direction === "out" && track.bytes > 0);
    this.#set("fps", rate.fps);
    this.#set("in", rate.inKbps / 1000);
    this.#set("out", sends ? rate.outKbps / 1000 : null);
    this.#set("rtt", rate.rttMs, reading.path);
    if (rate.rttMs === 0) this.#tiles.get("rtt").say("< 1 ms", reading.path); // Firefox counts whole milliseconds
    this.#set("loss", rate.lossPercent);
    this.#set("jitter", rate.jitterMs);
    this.#set("glass", median(this.#delays), this.#stamped ? "estimate" : "estimate, without encoding");
    const [, video] = firstVideo(reading) ?? [];
    if (video?.width) this.#tiles.get("picture").say(`${video.width} × ${video.height}`, [video.codec, freezes(video)].filter(Boolean).join(", "));
    for (const [name, track] of reading.tracks) this.stage.label(name, caption(track));
  }
}

const freezes = ({ freezes: count }) => (count ? `${count} ${count === 1 ? "freeze" : "freezes"}` : "");
const caption = ({ width, height, fps }) => (width ? `${width} × ${height}${fps === null ? "" : ` · ${Math.round(fps)} fps`}` : "");

class Tile {
  #points = [];

  constructor(id, { name, unit, decimals, help }) {
    this.unit = unit;
    this.decimals = decimals;
    this.value = el("span", { class: "figure-value" }, "–");
    this.note = el("span", { class: "figure-note muted" });
    this.curve = el("canvas", { width: 160, height: 32, class: "figure-curve", "aria-hidden": "true", hidden: !CURVED.has(id) });
    const told = el("span", { class: "visually-hidden" }, help);
    this.element = el("div", { class: "figure", title: help }, el("dt", {}, name), el("dd", {}, this.value, this.note, told, this.curve));
    this.element.dataset.figure = id;
  }

  /** Shows a number, and adds it to the curve; null where there is none. */
  set(value, note = "") {
    const there = value !== null && Number.isFinite(value);
    this.say(there ? `${value.toFixed(this.decimals)} ${this.unit}` : "–", there ? note : "");
    this.element.classList.toggle("empty", !there);
    this.#points = [...this.#points.slice(1 - POINTS), there ? value : null];
    this.#draw();
  }

  /** Shows words. */
  say(text, note = "") {
    this.value.textContent = text;
    this.note.textContent = note;
  }

  #draw() {
    const { width, height } = this.curve;
    const context = this.curve.getContext("2d");
    context.clearRect(0, 0, width, height);
    const top = Math.max(...this.#points.filter((point) => point !== null), 1e-9) * 1.1;
    context.strokeStyle = getComputedStyle(this.curve).color;
    context.lineWidth = 2;
    context.beginPath();
    let drawing = false;
    this.#points.forEach((point, at) => {
      if (point !== null) {
        const [x, y] = [((POINTS - this.#points.length + at) / (POINTS - 1)) * width, height - 2 - (point / top) * (height - 4)];
        if (drawing) context.lineTo(x, y);
        else context.moveTo(x, y);
      }
      drawing = point !== null;
    });
    context.stroke();
  }
}
