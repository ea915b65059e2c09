// What a client in JavaScript does whatever its stack: signalling over HTTP, the script of messages, and what it has seen.

const LARGE = 200_000;
const LIMIT_MS = 20_000;
const ENOUGH_FRAMES = 5;
export const TRACKS = ["main_video", "side_video"];

export class Visit {
  constructor(url, version) {
    this.url = url;
    this.seen = { version, frames: {}, messages: [] };
    this.over = new Promise((resolve) => { this.end = resolve; });
    setTimeout(this.end, LIMIT_MS);
  }

  async call(method, path, body) {
    const asked = { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) };
    const answer = await fetch(this.url + path, asked);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  async begin() {
    const session = await this.call("POST", "/start_session", {});
    this.base = `/sessions/${session.session_id}/transport/webrtc/connections`;
    this.id = (await this.call("POST", this.base)).connection_id;
  }

  /** Gives an offer whose candidates are all in it, and returns the answer. */
  async exchange(offer) {
    const mids = [...offer.matchAll(/^m=video[^]*?^a=mid:(\S+)/gm)].map((found) => found[1]);
    const mapping = TRACKS.map((name, index) => ({ mid: mids[index], name, kind: "video", direction: "recvonly" }));
    this.seen.offer = offer;
    await this.call("POST", `${this.base}/${this.id}/sdp_params`, { sdp_offer: offer, track_mapping: mapping });
    this.seen.answer = (await this.call("GET", `${this.base}/${this.id}/sdp_params`)).sdp_answer;
    return this.seen.answer;
  }

  /** Both channels are open: `control` and `data` send a text. */
  opened(control, data) {
    for (const name of TRACKS) control(JSON.stringify({ type: "notification", event: "resume_track", data: { name } }));
    this.data = data;
    this.command("measure", { text: "hello" }, "small");
  }

  command(type, data, request_id) {
    this.data(JSON.stringify({ scope: "application", data: { type, data, request_id } }));
  }

  heard(text) {
    const message = JSON.parse(text);
    this.seen.messages.push(text.length < 2_000 ? message : { bytes: text.length });
    const inner = message.data ?? {};
    const asked = inner.type === "commandResult" ? inner.data.request_id : undefined;
    if (asked === "small") this.command("make", { length: LARGE }, "large down");
    else if (asked === "large down") this.command("measure", { text: "y".repeat(LARGE) }, "large up");
    else if (asked === "large up") this.seen.done = true;
    this.check();
  }

  frame(name) {
    this.seen.frames[name] = (this.seen.frames[name] ?? 0) + 1;
    this.check();
  }

  check() {
    if (this.seen.done && TRACKS.every((name) => (this.seen.frames[name] ?? 0) >= ENOUGH_FRAMES)) this.end();
  }

  async finish() {
    await this.over;
    await this.call("POST", "/stop_session", {});
    console.log(JSON.stringify(this.seen));
    process.exit(0);
  }
}

/** Whether an RTP packet is the last of its frame: the marker bit (RFC 3550, 5.1). */
export const endsFrame = (packet) => packet.length > 12 && (packet[1] & 0x80) !== 0 && (packet[1] & 0x7f) === 96;
