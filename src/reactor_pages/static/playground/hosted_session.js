/** A session of a coordinator: begun, waited for in the queue, ended. No elements of the page here. */

import { Account } from "./account.js";
import { HttpFailure, SessionOver, pause } from "./signalling.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const PATIENCE_MS = 60000;
const POLL_MS = 1000;
const EVENT_STREAM = "text/event-stream";

/**
 * What a coordinator tells of a session that is waited for.
 * @typedef {{state: string, position: number|null, waiting: number|null, estimatedWaitS: number|null, restarts: number}} Place
 */

/**
 * Begins a session and waits until a worker runs it. Aborting ``signal`` gives the place in the queue up.
 * @param {object} wish
 * @param {string} [wish.key] an API key, or
 * @param {Account} [wish.account] one that has been signed in with
 * @param {string} wish.model
 * @param {(place: Place) => void} [wish.onPlace] told at once, and of every change
 * @param {AbortSignal} [wish.signal]
 * @returns {Promise<HostedSession>} throws {@link HttpFailure} for a refusal, {@link SessionOver} for a session that ended waiting
 */
export async function openSession({ key, account = new Account(key), model, onPlace = () => {}, signal }) {
  const { body } = await account.ask("POST", "/sessions", { model: { name: model } }, signal);
  const session = new HostedSession(account, body);
  const leave = () => session.leave("left while waiting");
  window.addEventListener("pagehide", leave);
  try {
    await session.begun(onPlace, signal);
  } catch (error) {
    if (!(error instanceof SessionOver)) leave();
    throw error;
  } finally {
    window.removeEventListener("pagehide", leave);
  }
  return session;
}

export class HostedSession {
  /** @param {Account} account @param {{session_id: string, model: {name: string}}} body */
  constructor(account, body) {
    this.account = account;
    this.origin = account.origin;
    this.sessionId = body.session_id;
    this.base = `/sessions/${body.session_id}`;
    this.model = body.model.name;
    /** What the coordinator said of it last. */
    this.body = body;
  }

  /** Signs requests of this session. */
  headers() {
    return this.account.headers();
  }

  /** Resolves once a worker runs it; ``onPlace`` hears where it stands meanwhile. */
  async begun(onPlace, signal) {
    let giveUp = performance.now() + PATIENCE_MS;
    for (let rest = FIRST_PAUSE_MS; ; rest = Math.min(rest * 2, LONGEST_PAUSE_MS)) {
      try {
        for await (const body of this.#events(signal)) {
          rest = FIRST_PAUSE_MS;
          giveUp = performance.now() + PATIENCE_MS;
          if (this.#settled(body, onPlace)) return;
        }
      } catch (error) {
        // A stream that breaks off is a TypeError; a coordinator that restarts answers nobody, or 503.
        const away = error instanceof TypeError || (error instanceof HttpFailure && [0, 429, 503].includes(error.status));
        if (!away || signal?.aborted || performance.now() > giveUp) throw asFailure(error);
      }
      await pause(rest, signal);
    }
  }

  /** Takes what the coordinator says. True once there is nothing more to wait for. */
  #settled(body, onPlace) {
    this.body = body;
    if (body.state === "CLOSED") throw new SessionOver(why(body.reason));
    if (body.state === "ACTIVE" && body.capabilities) return true;
    const { position = null, waiting = null, estimated_wait_s: estimatedWaitS = null } = body.queue ?? {};
    onPlace({ state: body.state, position, waiting, estimatedWaitS, restarts: body.restarts ?? 0 });
    return false;
  }

  /** The session as the coordinator tells it: a stream of events, read as it comes since a stream that signs itself has no API. */
  async *#events(signal) {
    const headers = { "Reactor-API-Version": "1", Accept: EVENT_STREAM, ...(await this.headers()) };
    const address = this.origin + this.base;
    const answer = await fetch(address, { headers, signal, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok || !(answer.headers.get("Content-Type") ?? "").startsWith(EVENT_STREAM)) {
      // Refusals, and a session that too many listen to already, are told by an ordinary request.
      await answer.body?.cancel();
      yield (await this.account.ask("GET", this.base, undefined, signal)).body;
      await pause(POLL_MS, signal);
      return;
    }
    yield* messages(answer.body.pipeThrough(new TextDecoderStream()));
  }

  /** How it stands now: ``{state, reason}``; null where the coordinator does not say. */
  async state() {
    try {
      this.body = (await this.account.ask("GET", this.base)).body;
      return { state: this.body.state, reason: this.body.reason ? why(this.body.reason) : "" };
    } catch (error) {
      if (error instanceof HttpFailure) return null;
      throw error;
    }
  }

  /** Ends it. One that is over already is fine. Throws {@link HttpFailure}. */
  async end(reason = "ended in the playground") {
    try {
      await this.account.ask("DELETE", this.base, { reason });
    } catch (error) {
      if (!(error instanceof HttpFailure && [404, 409, 410].includes(error.status))) throw error;
    }
  }

  /** Ends it while the page goes away: the request outlives the page, and nobody hears the answer. */
  leave(reason = "left the playground") {
    const headers = { "Reactor-API-Version": "1", "Content-Type": "application/json", ...this.account.lastHeaders() };
    const sent = { method: "DELETE", keepalive: true, credentials: "omit", headers, body: JSON.stringify({ reason }) };
    fetch(this.origin + this.base, sent).catch(() => undefined);
  }
}

/** The events of a stream (the WHATWG's server-sent events), each a JSON body; comments keep the line open and say nothing. */
async function* messages(stream) {
  let rest = "";
  for await (const text of chunks(stream)) {
    const events = (rest + text).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith("data:") ? [line.slice(5).trim()] : []));
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // one that broke off has nothing to cancel
  }
}

function asFailure(error) {
  return error instanceof TypeError ? new HttpFailure(0, "The coordinator does not answer any more.") : error;
}

const REASONS = {
  expired: "The time of the session is over.",
  unclaimed: "The session was given up, because this page was not heard of for too long.",
  not_resumed: "The worker of the session was lost, and this page did not come back in time.",
  worker_failed: "The model's workers failed again and again. Try another model, or ask whoever runs this server.",
};

/** Why a session is over, for a person. */
export function why(reason) {
  if (!reason) return "The session is over.";
  return REASONS[reason] ?? `The session is over: ${reason}.`;
}
