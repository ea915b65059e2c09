/**
 * Wire version v0 in the browser: messages as JSON on two data channels. Pure.
 *
 * @typedef {{upload_id: string, name: string, mime_type: string, size: number}} FileRef
 * @typedef {{label: "data"|"control", text: string}} Frame
 * @typedef {{kind: "result"|"publish"|"application"|"platform", type: string, data: object, requestId?: string}} Heard
 */

/** Limit of one message, in bytes of UTF-8. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
export const PING_INTERVAL_MS = 5000;
export const COMMAND_TIMEOUT_MS = 30000;
export const CONTROL_TIMEOUT_MS = 10000;

/** A refusal of the server, or of this page: a stable code and a sentence for a person. */
export class Refusal extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const platform = (type, data = {}) => framed("data", { scope: "runtime", data: { type, data } });

export const ping = () => platform("ping");
export const requestSchema = () => platform("requestSchema");
/** @param {FileRef} file */
export const fileUploaded = (file) => platform("fileUploaded", file);

/**
 * A command. Files among its values go where the wire wants them.
 * @param {string} name @param {object} values @param {string|null} requestId asks for an acknowledgement
 * @returns {Frame}
 */
export function command(name, values, requestId) {
  const data = {};
  const uploads = {};
  for (const [key, value] of Object.entries(values ?? {})) {
    if (isFile(value)) uploads[key] = value;
    else data[key] = value;
  }
  const body = { type: name, data };
  if (Object.keys(uploads).length) body.uploads = uploads;
  if (requestId !== null) body.request_id = requestId;
  return framed("data", { scope: "application", data: body });
}

/** @param {string} name @param {string} requestId @returns {Frame} */
export const publishTrack = (name, requestId) =>
  framed("control", { type: "request", method: "publish_track", request_id: requestId, data: { name } });

/** @param {"pause_track"|"resume_track"|"unpublish_track"} event @param {string} name @returns {Frame} */
export const trackNotice = (event, name) => framed("control", { type: "notification", event, data: { name } });

/** Whether a value refers to an uploaded file. */
export const isFile = (value) => value !== null && typeof value === "object" && typeof value.upload_id === "string";

/**
 * What a server has said; null for what this page does not know, or cannot read.
 * @param {string} label @param {unknown} text
 * @returns {Heard|null}
 */
export function heard(label, text) {
  const body = parsed(text);
  if (body === null) return null;
  if (label === "control") {
    if (body.type !== "response" || body.method !== "publish_track") return null;
    return { kind: "publish", type: "publish_track", data: { error: body.error ?? null }, requestId: String(body.request_id) };
  }
  const enveloped = (body.scope === "application" || body.scope === "runtime") && isObject(body.data);
  const inner = enveloped ? body.data : body;
  if (typeof inner.type !== "string") return null;
  const data = isObject(inner.data) ? inner.data : {};
  if (!enveloped || body.scope === "application") return { kind: "application", type: inner.type, data };
  if (inner.type === "commandResult") return { kind: "result", type: inner.type, data, requestId: String(data.request_id) };
  return { kind: "platform", type: inner.type, data };
}

function parsed(text) {
  if (typeof text !== "string") return null;
  try {
    const body = JSON.parse(text);
    return isObject(body) ? body : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function framed(label, body) {
  const text = JSON.stringify(body);
  const size = new TextEncoder().encode(text).length;
  if (size > MAX_MESSAGE_BYTES) {
    throw new Refusal("message_too_large", `a message of ${size} bytes is above the limit of ${MAX_MESSAGE_BYTES}; upload large values as files`);
  }
  return { label, text };
}
