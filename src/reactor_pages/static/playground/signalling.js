/**
 * What this page and a server tell each other over HTTP, before and beside a connection: sessions, offers, candidates, files.
 *
 * Two worlds: the one session of a runtime, and a session of a coordinator that somebody has opened already.
 */

import { Refusal } from "./wire.js";

const REQUEST_LIMIT_MS = 35000;
const ANSWER_LIMIT_MS = 30000;
const CLOSING_LIMIT_MS = 15000;
const RUNNING = new Set(["waiting", "streaming", "orphaned"]);
const OVER = new Set(["closed", "failed", "terminated"]);

/** Why something over HTTP did not work. ``status`` is 0 where nobody answered; ``retryAfter`` is in seconds. */
export class HttpFailure extends Error {
  constructor(status, message, { code = "", retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The session is over, or can never be had: trying again by itself would not help. */
export class SessionOver extends Error {
  /** @param {string} message @param {"ended"|"failed"} kind */
  constructor(message, kind = "ended") {
    super(message);
    this.kind = kind;
  }
}

export class Signalling {
  /**
   * @param {object} options
   * @param {string} [options.origin] what comes before every path; empty for the root of this page's server
   * @param {string} [options.base] ``/sessions/ID`` of a coordinator; empty for a runtime
   * @param {() => Record<string, string>} [options.headers] sent with every request but uploads
   */
  constructor({ origin = "", base = "", headers = () => ({}) } = {}) {
    this.hosted = base !== "";
    this.origin = origin;
    this.base = base;
    this.headers = headers;
    this.sessionId = this.hosted ? decodeURIComponent(base.split("/").pop()) : "";
  }

  /** The JSON of an answer, and its status. Throws {@link HttpFailure}. */
  async fetch(method, path, body, signal) {
    const headers = { "Reactor-API-Version": "1", "Reactor-WebRTC-Version": "1.0", ...(await this.headers()) };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await reach(this.origin + path, { method, headers, body: text, signal: limited(signal) });
    const read = await answer.text().then(parsed, () => null);
    if (!answer.ok) throw failureOf(answer, read);
    return { status: answer.status, body: read };
  }

  /**
   * The session to connect to: described, and running.
   * @param {(word: "loading"|"queued", detail: string) => void} waiting is told why it takes longer
   */
  async open(waiting, signal) {
    return this.hosted ? this.#await(waiting, signal) : this.#startOrJoin(waiting, signal);
  }

  async #startOrJoin(waiting, signal) {
    const giveUp = performance.now() + CLOSING_LIMIT_MS;
    for (;;) {
      const { body } = await this.fetch("GET", "/session", undefined, signal);
      if (RUNNING.has(String(body?.state).toLowerCase())) return this.#described(body);
      try {
        return this.#described((await this.fetch("POST", "/start_session", {}, signal)).body);
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error;
        await this.#notNow(error, performance.now() > giveUp, waiting, signal);
      }
    }
  }

  /** Waits where a session cannot be had yet; throws where waiting does not help. */
  async #notNow(error, late, waiting, signal) {
    if (error.status === 503 && error.retryAfter !== null) {
      waiting("loading", (await this.health(signal)).detail || error.message);
      await pause(1000 * error.retryAfter, signal);
    } else if (error.status === 409 && !late) {
      // Somebody was faster, or the session before this one is being put away.
      await pause(100, signal);
    } else if (error.status >= 500) {
      const { detail } = await this.health(signal);
      // One that says nothing of a failure is on its way out, and may be back soon.
      throw detail ? new SessionOver(detail, "failed") : error;
    } else {
      throw error;
    }
  }

  async #await(waiting, signal) {
    for (;;) {
      const { body } = await this.fetch("GET", this.base, undefined, signal);
      const state = String(body?.state).toLowerCase();
      if (OVER.has(state)) throw new SessionOver(body.reason || "The session is over.");
      if (state === "active" && body.capabilities && body.selected_transport) return this.#described(body);
      const place = body.queue ? `place ${body.queue.position} of ${body.queue.waiting} in the queue` : "waiting for a worker";
      waiting("queued", place);
      await pause(1000, signal);
    }
  }

  #described(session) {
    if (!session?.capabilities?.tracks?.length) throw new SessionOver("The model has no tracks: there is nothing to connect to.", "failed");
    if (session.generation === "stepped") {
      throw new SessionOver("The session that runs is a stepped one: its pictures go to whoever asks for the steps. End it to play here.", "failed");
    }
    this.sessionId = session.session_id;
    return session;
  }

  /** What ``/health`` says; an empty detail where it says nothing. */
  async health(signal) {
    if (this.hosted) return { status: "", state: "", detail: "" };
    const answer = await reach(`${this.origin}/health`, { signal: limited(signal) });
    return { status: "", state: "", detail: "", ...(await answer.json().catch(() => ({}))) };
  }

  /** Ends the session for everybody. One that is over already is fine. */
  async end() {
    try {
      if (this.hosted) await this.fetch("DELETE", this.base);
      else await this.fetch("POST", "/stop_session", { reason: "It was ended in the playground." });
    } catch (error) {
      if (!(error instanceof HttpFailure && [404, 409, 410].includes(error.status))) throw error;
    }
  }

  get #transport() {
    return `/sessions/${encodeURIComponent(this.sessionId)}/transport/webrtc`;
  }

  /** The STUN and TURN servers, as ``RTCPeerConnection`` wants them. */
  async iceServers(signal) {
    const { body } = await this.fetch("GET", `${this.#transport}/ice_servers`, undefined, signal);
    return (body?.ice_servers ?? []).map(({ uris, credentials }) =>
      credentials ? { urls: uris, username: credentials.username, credential: credentials.password } : { urls: uris },
    );
  }

  /** A new connection's id. */
  async register(signal) {
    return (await this.fetch("POST", `${this.#transport}/connections`, {}, signal)).body.connection_id;
  }

  /** The answer to an offer. ``again`` replaces the connection that has this id. */
  async exchange(connection, sdp, mapping, again, signal) {
    const path = `${this.#transport}/connections/${connection}/sdp_params`;
    const offer = { sdp_offer: sdp, track_mapping: mapping };
    await this.fetch(again ? "PUT" : "POST", path, offer, signal);
    const giveUp = performance.now() + ANSWER_LIMIT_MS;
    for (let rest = 20; performance.now() < giveUp; rest = Math.min(rest * 2, 500)) {
      const { status, body } = await this.fetch("GET", path, undefined, signal);
      if (status === 200) return body.sdp_answer;
      await pause(rest, signal);
    }
    throw new HttpFailure(0, "The offer was not answered within 30 s.");
  }

  /** Passes candidates on. */
  async candidates(connection, found, signal) {
    const candidates = found.map((one) => ({ candidate: one.candidate, sdp_mid: one.sdpMid, sdp_mline_index: one.sdpMLineIndex }));
    await this.fetch("POST", `${this.#transport}/connections/${connection}/ice_candidates`, { candidates }, signal);
  }

  /**
   * Sends a file to the session.
   * @param {File} file
   * @returns {Promise<import("./wire.js").FileRef>}
   */
  async upload(file) {
    if (file.size === 0) throw new Refusal("empty_file", `${file.name} holds zero bytes: there is nothing to upload`);
    const told = { name: file.name, size: file.size, mime_type: file.type || "application/octet-stream" };
    const { body } = await this.fetch("POST", `/sessions/${encodeURIComponent(this.sessionId)}/uploads`, told);
    const answer = await reach(this.#reachable(body.presigned_url), { method: "PUT", headers: { "Content-Type": told.mime_type }, body: file });
    if (!answer.ok) throw failureOf(answer, await answer.text().then(parsed, () => null));
    return { upload_id: body.presigned_id, ...told };
  }

  /** A runtime tells the address that it was asked at, which a proxy may have changed: its files go to where this page is from. */
  #reachable(url) {
    if (this.hosted) return url;
    const { pathname, search } = new URL(url, document.baseURI);
    return this.origin + pathname + search;
  }
}

/** Resolves after some milliseconds; rejects at once where ``signal`` is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function limited(signal) {
  const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function reach(url, options) {
  try {
    return await fetch(url, { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", ...options });
  } catch (error) {
    if (error instanceof TypeError) throw new HttpFailure(0, "Nobody answers at this address.");
    if (error?.name === "TimeoutError") throw new HttpFailure(0, "The server has not answered for 35 s.");
    throw error;
  }
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // an answer that is not JSON is told by its status
  }
}

function failureOf(answer, body) {
  const told = body?.message ?? body?.detail;
  const text = typeof told === "string" ? told : answer.statusText || "the server refused";
  const after = Number.parseFloat(answer.headers.get("Retry-After") ?? "");
  return new HttpFailure(answer.status, text, { code: body?.code ?? "", retryAfter: Number.isFinite(after) ? after : null });
}
