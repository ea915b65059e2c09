/**
 * A client of a session: connects, stays connected, and says honestly what is wrong.
 *
 * Events: ``status`` {status, detail}, ``session`` {session}, ``track`` {name, kind, track, receiver},
 * ``schema`` {schema}, ``message`` {kind, type, data}, ``sent`` {type, data}, ``asked`` {name, sentAt}, ``result`` {name, ok, reply,
 * error, frame, acknowledged, sentAt, answeredAt}, ``unpublished`` {name, message}. Times are those of ``performance.now()``, in ms.
 *
 * @typedef {"idle"|"connecting"|"loading"|"queued"|"ready"|"reconnecting"|"ended"|"failed"|"gone"|"unable"} Status
 */

import { Connection } from "./connection.js";
import { HttpFailure, SessionOver, Signalling, pause } from "./signalling.js";
import { Refusal } from "./wire.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
/** For how long a lost server is looked for. */
const PATIENCE_MS = 120000;

/** Whether this browser can have a connection at all. */
export const canConnect = () => typeof window.RTCPeerConnection === "function";

export class Client extends EventTarget {
  #aborter = null;
  #connection = null;
  #connectionId = null;
  #published = new Map();

  /** @param {{origin?: string, base?: string, headers?: () => Record<string, string>}} where see {@link Signalling} */
  constructor(where = {}) {
    super();
    this.aim(where);
    /** @type {Status} */
    this.status = "idle";
    this.detail = "";
    this.session = null;
    /** Milliseconds from the wish to connect until it came true; null before. */
    this.connectMs = null;
    /** When the last attempt began, as ``performance.now()``. */
    this.startedAt = 0;
  }

  /** Another server, or another session, from the next {@link connect} on. @param {object} where see {@link Signalling} */
  aim(where) {
    this.signalling = new Signalling(where);
    this.#published.clear();
  }

  /** The tracks of the session, with the client's directions. */
  get tracks() {
    return this.session?.capabilities.tracks ?? [];
  }

  /** The peer connection, or null. */
  get peer() {
    return this.#connection?.peer ?? null;
  }

  /** Which of the peer's transceivers carries which track: a map from mid to name. */
  get mids() {
    const pairs = this.#connection ? [...this.#connection.transceivers] : [];
    return new Map(pairs.map(([name, { mid }]) => [mid, name]));
  }

  /** Connects, and comes back after a loss until {@link close} or the end of the session. Resolves when connected or given up. */
  async connect() {
    this.#drop();
    if (!canConnect()) return this.#become("unable", "This browser has no WebRTC, by which pictures come: it is switched off, or blocked by an extension.");
    const aborter = (this.#aborter = new AbortController());
    this.#become("connecting", "Connecting …");
    return this.#persist(aborter.signal, performance.now() + PATIENCE_MS);
  }

  async #persist(signal, giveUp) {
    for (let rest = FIRST_PAUSE_MS; !signal.aborted; rest = Math.min(rest * 2, LONGEST_PAUSE_MS)) {
      try {
        return await this.#attempt(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (error instanceof SessionOver) return this.#finish(error.kind, error.message);
        if (performance.now() + rest > giveUp) return this.#finish("gone", `${error.message} Tried for two minutes; not trying any more.`);
        if (error instanceof HttpFailure && [401, 403].includes(error.status)) return this.#finish("failed", error.message);
        if (error instanceof HttpFailure && this.signalling.hosted && [404, 410].includes(error.status)) {
          return this.#finish("ended", error.message);
        }
        this.#become("reconnecting", `${error.message} Trying again …`);
        await this.#rest(rest, signal);
      }
    }
    return undefined;
  }

  /** Waits, but no longer than until the network is back. */
  async #rest(ms, signal) {
    const online = new AbortController();
    const wake = () => online.abort();
    window.addEventListener("online", wake, { once: true });
    await pause(ms, AbortSignal.any([signal, online.signal])).catch(() => undefined);
    window.removeEventListener("online", wake);
  }

  async #attempt(signal) {
    this.startedAt = performance.now();
    const waiting = (word, detail) => {
      this.startedAt = performance.now();
      this.#become(word, word === "loading" ? `The model is loading. ${detail}` : detail);
    };
    const before = this.session?.session_id;
    const session = await this.signalling.open(waiting, signal);
    if (before !== undefined && before !== session.session_id) this.#connectionId = null;
    this.session = session;
    this.#tell("session", { session });
    const again = this.#connectionId !== null;
    const asked = [this.signalling.iceServers(signal), this.#connectionId ?? this.signalling.register(signal)];
    const [iceServers, id] = await Promise.all(asked);
    this.#connectionId = id;
    const connection = new Connection(iceServers, this.tracks);
    signal.addEventListener("abort", () => connection.close(), { once: true });
    this.#listen(connection, signal);
    try {
      await connection.connect((sdp, mapping) => this.#exchange(sdp, mapping, again, signal), (found) => this.#trickle(found, signal));
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connection = connection;
    this.connectMs = performance.now() - this.startedAt;
    this.#become("ready", "Connected");
    await this.#publishAgain();
  }

  async #exchange(sdp, mapping, again, signal) {
    try {
      return await this.signalling.exchange(this.#connectionId, sdp, mapping, again, signal);
    } catch (error) {
      if (!(again && error instanceof HttpFailure && error.status === 404)) throw error;
    }
    // A server that has begun anew does not know the connection any more.
    this.#connectionId = await this.signalling.register(signal);
    return this.signalling.exchange(this.#connectionId, sdp, mapping, false, signal);
  }

  #trickle(found, signal) {
    this.signalling.candidates(this.#connectionId, found, signal).catch((error) => {
      if (!signal.aborted && !(error instanceof HttpFailure)) throw error; // one that does not arrive is not missed
    });
  }

  #listen(connection, signal) {
    connection.addEventListener("track", ({ detail }) => this.#tell("track", detail));
    connection.addEventListener("sent", ({ detail }) => this.#tell("sent", detail));
    connection.addEventListener("heard", ({ detail }) => this.#hear(detail.message, signal));
    connection.addEventListener("silent", () => this.#probe(connection, signal));
    connection.addEventListener("lost", ({ detail }) => {
      if (this.#connection !== connection || signal.aborted) return;
      this.#connection = null;
      this.#become("reconnecting", `${detail.reason} Connecting again …`);
      this.#persist(signal, performance.now() + PATIENCE_MS);
    });
  }

  /** Nothing is heard: where nobody answers over HTTP either, the server is gone, and waiting would not help. */
  async #probe(connection, signal) {
    try {
      await this.signalling.health(signal);
    } catch (error) {
      if (!(error instanceof HttpFailure) && !signal.aborted) throw error;
      connection.fail(error.message);
    }
  }

  #hear(message, signal) {
    if (message.kind === "result" || message.kind === "publish") return;
    this.#tell("message", message);
    if (message.kind !== "platform" || signal.aborted) return;
    if (message.type === "modelSchema") this.#tell("schema", { schema: message.data });
    if (message.type === "sessionEnded") this.#finish("ended", String(message.data.reason ?? "") || "The session has ended.");
  }

  #finish(status, detail) {
    this.#drop();
    this.session = null;
    this.#connectionId = null;
    this.#become(status, detail);
  }

  /** Sends a command. Resolves to the model's reply or null; rejects with a code and a message. */
  async send(name, data) {
    return (await this.command(name, data)).reply;
  }

  /** The same, with what is known of when it took effect: ``sentAt`` and ``answeredAt`` (``performance.now()``), and ``frame``. */
  async command(name, data) {
    if (this.#connection === null) throw new Refusal("disconnected", "There is no connection to the model.");
    const sentAt = performance.now();
    const acknowledged = (this.session.capabilities.extensions?.acks ?? 0) >= 1;
    this.#tell("asked", { name, sentAt });
    try {
      const { reply, frame } = await this.#connection.command(name, data, acknowledged);
      const answeredAt = performance.now();
      this.#tell("result", { name, ok: true, reply, frame, acknowledged, sentAt, answeredAt });
      return { reply, frame, sentAt, answeredAt };
    } catch (error) {
      if (error instanceof Refusal) this.#tell("result", { name, ok: false, error: { code: error.code, message: error.message }, sentAt });
      throw error;
    }
  }

  /** Sends a file to the session. @param {File} file @returns {Promise<import("./wire.js").FileRef>} */
  async upload(file) {
    if (this.#connection === null) throw new Refusal("disconnected", "There is no connection to the model.");
    const connection = this.#connection;
    try {
      const reference = await this.signalling.upload(file);
      connection.fileUploaded(reference);
      return reference;
    } catch (error) {
      if (error instanceof HttpFailure) throw new Refusal(error.code || "upload_failed", `${file.name} did not arrive: ${error.message}`);
      throw error;
    }
  }

  /** Sends a track to the model, now and after every reconnect; null stops it. Rejects with {@link Refusal}. */
  async publish(name, track) {
    const held = this.#published.has(name);
    if (track === null) {
      this.#published.delete(name);
      if (held) await this.#connection?.unpublish(name);
      return;
    }
    if (this.#connection === null) throw new Refusal("disconnected", "There is no connection to the model.");
    if (held) await this.#connection.replace(name, track);
    else await this.#connection.publish(name, track);
    this.#published.set(name, track);
  }

  async #publishAgain() {
    for (const [name, track] of this.#published) {
      try {
        await this.#connection?.publish(name, track);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#published.delete(name);
        this.#tell("unpublished", { name, message: error.message });
      }
    }
  }

  /** Ends the session for everybody. */
  async end() {
    await this.signalling.end();
    this.#published.clear();
    this.#finish("ended", "You ended the session.");
  }

  /** Leaves; the session goes on. */
  close() {
    this.#drop();
    this.#become("idle", "Not connected");
  }

  #drop() {
    this.#aborter?.abort(new DOMException("left", "AbortError"));
    this.#aborter = null;
    this.#connection?.close();
    this.#connection = null;
  }

  #become(status, detail) {
    if (status === this.status && detail === this.detail) return;
    this.status = status;
    this.detail = detail;
    this.#tell("status", { status, detail });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
