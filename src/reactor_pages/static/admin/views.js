/** What the operator's tables show of each row. */

import { count, lasting, or, short } from "./words.js";

const plain = (text, title) => ({ text, title });
const id = (value) => (value ? { text: short(value), title: value, mono: true } : { text: "–" });
const badge = (state, text = state.toLowerCase()) => ({ text, state });
const key = ({ key: { name, prefix, id: whole } }) => ({ text: name || prefix || whole, title: `${prefix} ${whole}`.trim() });
const ago = (seconds) => `${lasting(seconds)} ago`;
const day = (at) => new Date(1000 * at).toISOString().slice(0, 10);

/** @returns {import("./table.js").Column[]} */
export const MODELS = [
  { title: "Model", show: (row) => plain(row.name) },
  { title: "Waiting", numeric: true, show: (row) => plain(count(row.waiting)) },
  { title: "Busy", numeric: true, show: (row) => plain(count(row.busy)) },
  { title: "Idle", numeric: true, show: (row) => plain(count(row.idle)) },
  { title: "Starting", numeric: true, show: (row) => plain(count(row.starting)) },
  { title: "Draining", numeric: true, minor: true, show: (row) => plain(count(row.draining)) },
  { title: "Warm", numeric: true, show: (row) => plain(count(row.warm), "Workers that are kept ready") },
  { title: "Max", numeric: true, show: (row) => plain(row.max === null ? "pool" : count(row.max), "Workers at most") },
  { title: "Session", numeric: true, minor: true, show: (row) => plain(lasting(row.session_s), "Mean length in the last half hour") },
];

export const QUEUE = [
  { title: "Place", numeric: true, show: (row) => plain(row.position ? count(row.position) : "–") },
  { title: "Session", show: (row) => id(row.session_id) },
  { title: "State", minor: true, show: (row) => badge(row.state, row.state === "SUSPENDED" ? "away" : row.state.toLowerCase()) },
  { title: "Model", show: (row) => plain(row.model) },
  { title: "Key", show: key },
  { title: "Priority", numeric: true, minor: true, show: (row) => plain(String(row.priority)) },
  { title: "Waited", numeric: true, show: (row) => plain(lasting(row.waited_s)) },
  { title: "To wait", numeric: true, show: (row) => plain(lasting(row.estimated_wait_s)) },
];

export const SESSIONS = [
  { title: "Session", show: (row) => id(row.session_id) },
  { title: "State", show: (row) => badge(row.state) },
  { title: "Model", show: (row) => plain(row.model) },
  { title: "Worker", minor: true, show: (row) => id(row.worker_id) },
  { title: "Key", show: key },
  { title: "Clients", numeric: true, show: (row) => plain(or(row.clients), "Connections, as the worker reports them") },
  { title: "Runs", numeric: true, show: (row) => plain(lasting(row.age_s)) },
  { title: "Ends in", numeric: true, minor: true, show: (row) => plain(lasting(row.expires_in_s)) },
];

export const WORKERS = [
  { title: "Worker", show: (row) => id(row.worker_id) },
  { title: "State", show: (row) => (row.draining ? badge("DRAINING", `${row.state.toLowerCase()}, draining`) : badge(row.state)) },
  { title: "Model", show: (row) => plain(row.model) },
  { title: "Pool", minor: true, show: (row) => plain(row.pool, row.node) },
  { title: "GPU", numeric: true, show: (row) => plain(row.gpus ? String(row.gpus) : "–", "GPUs that its model asks for") },
  { title: "Session", show: (row) => id(row.session_id) },
  { title: "Since", numeric: true, show: (row) => plain(lasting(row.since_s), "In this state") },
  { title: "Up", numeric: true, minor: true, show: (row) => plain(lasting(row.up_s)) },
];

export const ENDS = [
  { title: "Ended", numeric: true, show: (row) => plain(ago(row.ago_s)) },
  { title: "Session", show: (row) => id(row.session_id) },
  { title: "Model", show: (row) => plain(row.model) },
  { title: "Ran", numeric: true, show: (row) => plain(lasting(row.ran_s)) },
  { title: "Why", show: (row) => plain(or(row.reason).replaceAll("_", " "), `${row.key.name} ${row.key.prefix}`) },
];

export const LOST = [
  { title: "Lost", numeric: true, show: (row) => plain(ago(row.ago_s)) },
  { title: "Worker", show: (row) => id(row.worker_id) },
  { title: "Model", show: (row) => plain(row.model) },
  { title: "Why", show: (row) => plain(or(row.failure), row.failure) },
];

export const KEYS = [
  { title: "Name", show: (row) => plain(row.name, row.id) },
  { title: "Key", show: (row) => ({ text: `${row.prefix}…`, mono: true }) },
  { title: "Role", show: (row) => (row.role === "admin" ? badge("ADMIN") : plain(row.role)) },
  { title: "Open", numeric: true, show: (row) => plain(count(row.sessions), "Open sessions") },
  { title: "Limits", show: (row) => plain(limitsOf(row)) },
  { title: "State", show: (row) => stateOf(row) },
];

function limitsOf(row) {
  const limits = [
    row.priority ? `priority ${row.priority}` : "",
    row.max_sessions === null ? "" : `${row.max_sessions} at once`,
    row.sessions_per_minute === null ? "" : `${row.sessions_per_minute} a minute`,
    row.credit_s === null ? "" : `${(row.credit_s / 3600).toFixed(1)} h left`,
  ];
  return limits.filter((limit) => limit).join(", ") || "none";
}

function stateOf(row) {
  if (row.revoked_at !== null) return badge("REVOKED");
  if (row.expires_at === null) return badge("VALID");
  return row.expires_at < row.now ? badge("REVOKED", "expired") : badge("VALID", `until ${day(row.expires_at)}`);
}
