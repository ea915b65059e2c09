/** The playground: puts the parts of the page together. */

import { Client, canConnect } from "./client.js";
import { Figures } from "./figures.js";
import { Inputs } from "./inputs.js";
import { MessageLog } from "./log.js";
import { Sidebar } from "./sidebar.js";
import { Stage } from "./stage.js";

const byId = (id) => document.getElementById(id);
const hosted = document.querySelector('meta[name="reactor-mode"]').content === "hosted";
/** The folder that this page is from: it may stand behind a proxy, below some path. */
const origin = new URL(".", document.baseURI).pathname.replace(/\/$/, "");

const WORDS = {
  idle: "Not connected",
  connecting: "Connecting …",
  loading: "Model is loading …",
  queued: "In the queue …",
  ready: "Connected",
  reconnecting: "Reconnecting …",
  ended: "Session ended",
  failed: "Failed",
  gone: "Server not reached",
  unable: "This browser cannot play",
};
const UNABLE = "Switch it on (in Firefox: media.peerconnection.enabled in about:config), allow it in the extension, or open this page in another browser.";
/** What to do, and what the button for it says. */
const CURES = {
  idle: ["The session goes on for a minute without anybody in it.", "Connect"],
  ended: ["What was set is gone with it; a new session begins afresh.", "Start a new session"],
  unable: [UNABLE, "Try again"],
  failed: ["Its log, in the terminal of the runtime, says more. Put it right, start the runtime again, then try again.", "Try again"],
  gone: [hosted ? "The server may be starting anew: try again in a moment." : "Is `reactor run` still running in its terminal? Start it again, then try again.", "Try again"],
};
const AWAY = "It goes on by itself when the server is back. Is `reactor run` still running in its terminal?";
const WAITING = new Set(["connecting", "loading", "queued", "reconnecting"]);
/** What models call the message that says how everything stands. */
const SNAPSHOTS = new Set(["state", "state_update"]);
const NEWS_MS = 12000;

class Playground {
  #newsTimer = null;
  #entrance = null;

  constructor() {
    this.client = new Client({ origin });
    this.stage = new Stage(byId("screens"), byId("speakers"));
    this.log = new MessageLog(byId("log"));
    this.inputs = new Inputs(byId("inputs"), (name, track) => this.client.publish(name, track));
    this.figures = new Figures(byId("figures"), this.client, this.stage);
    this.sidebar = new Sidebar(byId("controls"), byId("keys"), {
      send: (name, data) => this.client.send(name, data),
      upload: (file) => this.client.upload(file),
    });
    this.clips = [];
    this.#listen();
  }

  /** Plays: at once on a runtime, and after the entrance where a coordinator has to give a session first. */
  async begin() {
    if (!hosted || !canConnect()) {
      await this.client.connect();
      return;
    }
    byId("connect").hidden = true;
    byId("end").textContent = "Leave";
    document.body.classList.add("outside");
    const { mountHosted } = await import("./hosted.js");
    this.#entrance = mountHosted(byId("entrance"), { onSession: (session) => this.#enter(session) });
  }

  #enter(session) {
    document.body.classList.remove("outside");
    this.client.aim({ origin: session.origin, base: session.base, headers: () => session.headers() });
    this.client.connect();
  }

  #on(type, act) {
    this.client.addEventListener(type, ({ detail }) => act(detail));
  }

  #listen() {
    this.#on("status", ({ status, detail }) => this.#status(status, detail));
    this.#on("session", ({ session }) => this.#session(session));
    this.#on("track", ({ name, kind, track }) => this.stage.attach(name, kind, track));
    this.#on("schema", ({ schema }) => this.#schema(schema));
    this.#on("message", ({ kind, type, data }) => this.#message(kind, type, data));
    this.#on("sent", ({ type, data }) => this.log.add("sent", type, data));
    this.#on("result", (result) => this.#result(result));
    this.#on("unpublished", ({ name, message }) => this.inputs.dropped(name, message));
    this.stage.addEventListener("trouble", ({ detail }) => this.#news(detail.message));
    byId("connect").addEventListener("click", () => this.#toggle());
    byId("notice-act").addEventListener("click", () => this.client.connect());
    byId("end").addEventListener("click", () => this.#end());
    // The server hears at once that nobody looks any more.
    window.addEventListener("pagehide", () => this.client.close());
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.client.connect());
  }

  #status(status, detail) {
    byId("status").dataset.status = status;
    byId("status-text").textContent = WORDS[status];
    const busy = status === "ready" || WAITING.has(status);
    byId("connect").textContent = status === "ready" ? "Disconnect" : busy ? "Cancel" : "Connect";
    byId("end").hidden = !(status === "ready" || (hosted && busy));
    this.inputs.setEnabled(status === "ready");
    this.sidebar.setEnabled(status === "ready");
    this.#notice(status, detail);
    if (hosted && (status === "ended" || status === "failed")) this.#leave(detail);
    this.stage.curtain(status === "ready" ? null : WORDS[status]);
    if (status === "ended" || status === "idle") this.inputs.stop();
    this.log.add("note", WORDS[status].replace(" …", ""), detail === WORDS[status] ? undefined : detail);
  }

  #leave(detail) {
    document.body.classList.add("outside");
    this.#entrance?.over(detail);
  }

  #notice(status, detail) {
    const [cure, act] = CURES[status] ?? [status === "reconnecting" && !hosted ? AWAY : "", ""];
    byId("notice").hidden = status === "ready" || status === "connecting" || (hosted && ["idle", "ended", "failed"].includes(status));
    byId("notice").dataset.status = status;
    byId("notice-text").textContent = detail;
    byId("notice-cure").textContent = cure;
    byId("notice-act").textContent = act;
    byId("notice-act").hidden = act === "";
  }

  #session(session) {
    const name = session.model?.name || "model";
    byId("model").textContent = name;
    document.title = `${name} – Reactor playground`;
    this.stage.show(session.capabilities.tracks);
    this.inputs.show(session.capabilities.tracks, this.clips);
  }

  #schema(schema) {
    const samples = hosted ? [] : (schema["x-reactor"]?.playground?.samples ?? []);
    this.clips = samples.map((name) => ({ name, url: `${origin}/playground/samples/${encodeURIComponent(name)}` }));
    this.sidebar.show(schema);
    this.stage.overlay(this.sidebar.onPicture);
    this.inputs.show(this.client.tracks, this.clips);
    this.inputs.setEnabled(this.client.status === "ready");
  }

  #message(kind, type, data) {
    this.log.add(kind === "platform" ? "platform" : "message", type, data);
    if (kind === "platform") this.#news(news(type, data));
    else if (SNAPSHOTS.has(type)) this.sidebar.reflect(data);
  }

  #result({ name, ok, reply, error, frame, acknowledged }) {
    if (!ok) this.log.add("refused", name, error);
    else if (acknowledged) this.log.add("result", name, { reply, frame });
  }

  /** What everybody should read, for some seconds. */
  #news(text) {
    if (!text) return;
    clearTimeout(this.#newsTimer);
    byId("news").textContent = text;
    this.#newsTimer = setTimeout(() => (byId("news").textContent = ""), NEWS_MS);
  }

  #toggle() {
    if (["ready", ...WAITING].includes(this.client.status)) this.client.close();
    else this.client.connect();
  }

  async #end() {
    try {
      await this.client.end();
    } catch (error) {
      this.#news(`The session could not be ended: ${error.message}`);
    }
  }
}

function news(type, data) {
  if (type === "error") return `${data.message ?? data.code ?? "Something has gone wrong."}${data.recoverable ? " It is being put right." : ""}`;
  if (type === "modelRestarted") return `The model was loaded anew in ${Number(data.load_seconds ?? 0).toFixed(1)} s, and goes on.`;
  if (type === "rateLimited") return `This page sends more than it may: ${data.reason ?? "messages wait"}.`;
  if (type === "moderation") return data.message || "What was sent was refused by moderation.";
  if (type === "sessionExpiration") return `The session ends in ${Math.round(data.remaining_s ?? 0)} s.`;
  if (type === "sessionInterrupted") return `The session is being moved: ${data.reason ?? ""}`;
  return "";
}

new Playground().begin();
