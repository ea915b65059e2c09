/** The operator's page: asks what there is once a second while somebody looks, and gives orders that are confirmed first. */

import { Account, KeptKey, explained, withCode } from "../../playground/account.js";
import { el } from "../../playground/dom.js";
import { HttpFailure, pause } from "../../playground/signalling.js";
import { Sparkline } from "./sparkline.js";
import { Table } from "./table.js";
import { ENDS, KEYS, LOST, MODELS, QUEUE, SESSIONS, WORKERS } from "./views.js";
import { count, lasting, short } from "./words.js";

const EVERY_MS = 1000;
const SELDOM_MS = 5000;
const LONGEST_PAUSE_MS = 10000;
const SPARK_S = 300;
const byId = (id) => document.getElementById(id);

/** The figures on top. */
class Counters {
  #spark = new Sparkline(SPARK_S);
  #figures = new Map();

  constructor(root) {
    this.root = root;
    this.#add("waiting", "Waiting", this.#spark.element);
    for (const [name, title] of [["longest", "Longest wait"], ["running", "Sessions running"], ["clients", "Clients connected"], ["workers", "Workers busy"], ["free", "Workers free"]]) {
      this.#add(name, title);
    }
  }

  #add(name, title, ...more) {
    const value = el("span", { class: "counter-value" }, "–");
    const note = el("span", { class: "counter-note muted" });
    this.#figures.set(name, { value, note });
    this.root.append(el("div", { class: `counter ${name}` }, el("dt", {}, title), el("dd", {}, value, note, ...more)));
  }

  #set(name, value, note = "") {
    const figure = this.#figures.get(name);
    figure.value.textContent = value;
    figure.note.textContent = note;
  }

  update({ now, counts: { waiting, longest_wait_s: longest, sessions, workers, clients } }) {
    const busy = workers.BUSY;
    const all = busy + workers.IDLE + workers.STARTING;
    this.#set("waiting", count(waiting), sessions.SUSPENDED ? `${count(sessions.SUSPENDED)} away` : "");
    this.#set("longest", waiting ? lasting(longest) : "–");
    this.#set("running", count(sessions.ACTIVE), sessions.PENDING ? `${count(sessions.PENDING)} starting` : "");
    this.#set("clients", count(clients));
    this.#set("workers", count(busy), `of ${count(all)}`);
    this.#set("free", count(workers.IDLE), workers.STARTING ? `${count(workers.STARTING)} starting` : "");
    this.#spark.add(now, waiting);
  }
}

/** Asks before something is done. Resolves to the reason that was given, or null where it is not to be done. */
function confirmed({ title, text, act, reason = false }) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = act;
  byId("ask-why").hidden = !reason;
  byId("ask-reason").value = "";
  return new Promise((resolve) => {
    const done = new AbortController();
    const answer = (said) => {
      done.abort();
      if (dialog.open) dialog.close();
      resolve(said);
    };
    const { signal } = done;
    byId("ask-yes").addEventListener("click", () => answer(byId("ask-reason").value.trim()), { signal });
    byId("ask-no").addEventListener("click", () => answer(null), { signal });
    dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); answer(byId("ask-reason").value.trim()); }, { signal });
    dialog.addEventListener("close", () => answer(null), { signal });
    dialog.showModal();
    (reason ? byId("ask-reason") : byId("ask-no")).focus();
  });
}

class OperatorsPage {
  #account = null;
  #kept = new KeptKey("reactor-admin-key");
  #stop = null;

  constructor() {
    this.counters = new Counters(byId("counters"));
    const end = { title: "End", label: ({ session_id: id }) => `End session ${short(id)}`, done: (row) => this.#endSession(row) };
    const drain = { title: "Drain", label: ({ worker_id: id }) => `Drain worker ${short(id)}`, may: ({ draining }) => !draining, done: (row) => this.#drain(row) };
    this.tables = {
      models: new Table(byId("models"), { title: "Models", key: "name", columns: MODELS, empty: "This house serves no models." }),
      queue: new Table(byId("queue"), { title: "Queue", key: "session_id", columns: QUEUE, action: end, empty: "Nobody waits." }),
      sessions: new Table(byId("sessions"), { title: "Sessions", key: "session_id", columns: SESSIONS, action: end, empty: "No session runs." }),
      workers: new Table(byId("workers"), { title: "Workers", key: "worker_id", columns: WORKERS, action: drain, empty: "There are no workers." }),
      ends: new Table(byId("ends"), { title: "Ended lately", key: "session_id", columns: ENDS, empty: "No session has ended yet." }),
      lost: new Table(byId("lost"), { title: "Workers lost", key: "worker_id", columns: LOST, empty: "No worker was lost." }),
      keys: new Table(byId("keys"), { title: "API keys", key: "id", columns: KEYS, empty: "There are no keys." }),
    };
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#signIn(byId("key").value, byId("keep").checked);
    });
    byId("leave").addEventListener("click", () => this.#signOut());
    const kept = this.#kept.read();
    if (kept) this.#signIn(kept, true);
    else byId("key").focus();
  }

  // ------------------------------------------------------------------------------------------------------ sign in

  async #signIn(key, keep) {
    const account = new Account(key);
    byId("refused").replaceChildren();
    try {
      await account.signIn();
      await account.ask("GET", "/admin/state?rows=1");
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#kept.write(keep ? key.trim() : "");
    this.#account = account;
    byId("key").value = "";
    byId("sign-in").hidden = true;
    byId("house").hidden = false;
    byId("leave").hidden = false;
    this.#stop = new AbortController();
    this.#watch(account, this.#stop.signal);
  }

  #refuse(error) {
    const { title, text } = explained(error);
    byId("refused").replaceChildren(el("strong", {}, title), " ", ...withCode(text));
    this.#kept.write("");
    byId("key").select();
  }

  #signOut() {
    this.#stop?.abort(new DOMException("signed out", "AbortError"));
    this.#account = null;
    this.#kept.write("");
    byId("house").hidden = true;
    byId("leave").hidden = true;
    byId("sign-in").hidden = false;
    byId("about").textContent = "";
    this.#live("out", "Signed out");
    byId("key").focus();
  }

  // --------------------------------------------------------------------------------------------------------- live

  async #watch(account, signal) {
    let [failed, seldomAt] = [0, -Infinity];
    while (!signal.aborted) {
      try {
        await looking(signal, () => this.#live("paused", "Paused"));
        const state = await this.#look(account, signal);
        if (performance.now() - seldomAt >= SELDOM_MS) {
          seldomAt = performance.now();
          await this.#lookSeldom(account, state.now, signal);
        }
        failed = 0;
        await pause(EVERY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof HttpFailure)) throw error;
        if ([401, 403].includes(error.status)) {
          this.#signOut();
          this.#refuse(error);
          return;
        }
        failed += 1;
        this.#live("away", error.status === 429 ? "Waiting: too many requests" : "Not reached, trying again");
        const rest = Math.max(1000 * (error.retryAfter ?? 0), Math.min(EVERY_MS * 2 ** failed, LONGEST_PAUSE_MS));
        await pause(rest, signal).catch(() => undefined);
      }
    }
  }

  async #look(account, signal) {
    const { queue, sessions, workers, models } = this.tables;
    const wanted = new URLSearchParams({ queue_from: queue.first, sessions_from: sessions.first, workers_from: workers.first });
    const { body: state } = await account.ask("GET", `/admin/state?${wanted}`, undefined, signal);
    this.counters.update(state);
    models.update({ total: state.models.length, first: 0, rows: state.models });
    queue.update(state.queue);
    sessions.update(state.sessions);
    workers.update(state.workers);
    byId("about").textContent = `${state.cluster} · ${state.version}`;
    document.title = state.counts.waiting ? `(${count(state.counts.waiting)}) Reactor operator` : "Reactor operator";
    this.#live(state.draining ? "away" : "live", state.draining ? "Shutting down: takes no new sessions" : "Live");
    return state;
  }

  async #lookSeldom(account, now, signal) {
    const { ends, lost, keys } = this.tables;
    const { body: over } = await account.ask("GET", "/admin/ends", undefined, signal);
    const aged = (rows, field) => ({ total: rows.length, first: 0, rows: rows.map((row) => ({ ...row, ago_s: now - row[field] })) });
    ends.update(aged(over.sessions, "ended_at"));
    lost.update(aged(over.workers, "heard_until"));
    const { body: listed } = await account.ask("GET", `/admin/keys?first=${keys.first}`, undefined, signal);
    keys.update({ ...listed, rows: listed.rows.map((row) => ({ ...row, now })) });
  }

  #live(state, text) {
    byId("live").dataset.state = state;
    if (byId("live-text").textContent !== text) byId("live-text").textContent = text;
  }

  // ------------------------------------------------------------------------------------------------------- orders

  async #endSession({ session_id: id, model, key }) {
    const whose = `${id}: a session of ${model}, of the key ${key.name || key.prefix || key.id}. Its clients are told, and disconnected.`;
    const reason = await confirmed({ title: `End session ${short(id)}?`, text: whose, act: "End session", reason: true });
    if (reason === null) return;
    await this.#order(`/admin/sessions/${id}/end`, reason ? { reason } : {}, ({ reason: told }) => `Session ${short(id)} is ended: ${told}.`);
  }

  async #drain({ worker_id: id, model, session_id: session }) {
    const then = session ? `Its session ${short(session)} comes to its end first.` : "It is idle, and stops at once.";
    const text = `${id} takes no further session of ${model}, and stops when it is free. ${then}`;
    if ((await confirmed({ title: `Drain worker ${short(id)}?`, text, act: "Drain worker" })) === null) return;
    await this.#order(`/admin/workers/${id}/drain`, undefined, ({ session_id: held }) =>
      held ? `Worker ${short(id)} is draining: it stops after session ${short(held)}.` : `Worker ${short(id)} is draining, and stops now.`,
    );
  }

  async #order(path, body, told) {
    try {
      const { body: done } = await this.#account.ask("POST", path, body);
      this.#say("done", told(done));
    } catch (error) {
      const { title, text } = explained(error);
      this.#say("failed", `${title}. ${text}`);
    }
  }

  #say(state, text) {
    byId("said").dataset.state = state;
    byId("said").textContent = text;
  }
}

/** Resolves while somebody looks at the page: one in the background asks for nothing. */
async function looking(signal, onPause) {
  if (!document.hidden) return;
  onPause();
  await new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

new OperatorsPage();
