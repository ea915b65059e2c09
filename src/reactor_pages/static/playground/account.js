/**
 * An API key at a coordinator: exchanged for a token that is renewed before it expires, and asked with.
 *
 * The key stays in this object. It goes into a header of one request, ``POST /tokens``, and never into an address.
 */

import { el } from "./dom.js";
import { HttpFailure, Signalling } from "./signalling.js";

const RENEW_AHEAD_MS = 60000;
const SHORTEST_LIFE_MS = 5000;

/** What comes before every path of the coordinator: this page may stand behind a proxy, below a path of its own. */
export const root = () => new URL(".", document.baseURI).pathname.replace(/\/$/, "");

export class Account {
  #key;
  #token = "";
  #renewAt = 0;
  #renewing = null;
  #http;

  /** @param {string} key an API key @param {string} [origin] what comes before every path */
  constructor(key, origin = root()) {
    this.#key = key.trim();
    this.origin = origin;
    this.#http = new Signalling({ origin, headers: () => this.headers() });
  }

  /** Exchanges the key for a token. Throws {@link HttpFailure}. */
  async signIn(signal) {
    if (/[^\x21-\x7e]/.test(this.#key)) throw new HttpFailure(401, "An API key has letters, digits, - and _ alone.", { code: "UNAUTHORIZED" });
    const desk = new Signalling({ origin: this.origin, headers: () => ({ "Reactor-API-Key": this.#key }) });
    const { body } = await desk.fetch("POST", "/tokens", undefined, signal);
    this.#token = body.jwt;
    const life = lifeOf(body.jwt);
    this.#renewAt = Date.now() + Math.max(Math.min(life / 2, SHORTEST_LIFE_MS), life - RENEW_AHEAD_MS);
  }

  /** The headers that sign a request, with a token that is good for a while. Throws {@link HttpFailure}. */
  async headers() {
    if (Date.now() >= this.#renewAt) {
      this.#renewing ??= this.signIn().finally(() => (this.#renewing = null));
      await this.#renewing;
    }
    return this.lastHeaders();
  }

  /** The same at once, with the newest token that there is: for requests that are made while the page goes away. */
  lastHeaders() {
    return { Authorization: `Bearer ${this.#token}` };
  }

  /**
   * The answer to a request: its status and its JSON. One that is refused for its token is made again with a new one, once.
   * @param {string} method @param {string} path @param {object} [body] @param {AbortSignal} [signal]
   */
  async ask(method, path, body, signal) {
    try {
      return await this.#http.fetch(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof HttpFailure && error.status === 401)) throw error;
      this.#renewAt = 0;
      return this.#http.fetch(method, path, body, signal);
    }
  }
}

/** How long a token lives, in milliseconds, by its own words: this machine's clock need not be the server's. */
function lifeOf(token) {
  const claims = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  return 1000 * (claims.exp - claims.iat);
}

/** Keeps a key for this tab, if that is wanted: until the tab is closed, and for this site alone. */
export class KeptKey {
  /** @param {string} name which page's key it is */
  constructor(name) {
    this.name = name;
  }

  read() {
    return stored((store) => store.getItem(this.name)) ?? "";
  }

  write(key) {
    stored((store) => (key ? store.setItem(this.name, key) : store.removeItem(this.name)));
  }
}

function stored(work) {
  try {
    return work(window.sessionStorage);
  } catch (error) {
    if (error instanceof DOMException) return null; // a browser that keeps nothing for anybody
    throw error;
  }
}

/** A text of the server as nodes: what stands between backticks is code. @param {string} text */
export const withCode = (text) => text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? el("code", {}, part) : part));

/**
 * What was refused, why, and what to do about it. The coordinator's own words say most of that.
 * @returns {{title: string, code: string, text: string}}
 */
export function explained(error) {
  if (!(error instanceof HttpFailure)) throw error;
  const known = error.retryAfter === null || /\bin \d+ s\b/.test(error.message);
  const wait = known ? "" : `Try again in ${Math.ceil(error.retryAfter)} s.`;
  const [title, cure = ""] = BY_CODE[error.code] ?? BY_STATUS[error.status] ?? ["That did not work"];
  const code = error.code || String(error.status || "NO_ANSWER");
  return { title, code, text: [sentence(error.message), cure, wait].filter((part) => part).join(" ") };
}

/** @type {Record<string, [string, string?]>} */
const BY_CODE = { QUOTA_EXCEEDED: ["Too many sessions"], NO_CAPACITY: ["All workers are busy"] };
/** @type {Record<number, [string, string?]>} */
const BY_STATUS = {
  0: ["Nobody answers", "Is the coordinator running, and is this machine online?"],
  401: ["This key is not valid", "Look whether it was copied whole: it begins with rk_."],
  402: ["The key has no credit left"],
  403: ["This key may not do that"],
  404: ["Not found"],
  409: ["Not now"],
  429: ["Too many requests"],
  503: ["Not now"],
};

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
