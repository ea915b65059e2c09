/** One WebRTC connection: its peer, its two channels, its tracks, and the requests that wait for an answer. */

import { withRoundTrips, withStereo, withVideoRate } from "./sdp.js";
import * as wire from "./wire.js";

const READY_LIMIT_MS = 30000;
const SILENT_LIMIT_MS = 5000;
const MAX_SEND_KBPS = 8000;

/**
 * Events: ``track`` {name, kind, track, receiver}, ``heard`` {message}, ``sent`` {type, data}, ``silent`` {}, ``lost`` {reason}.
 * ``lost`` comes once, and only where {@link Connection.close} was not called.
 */
export class Connection extends EventTarget {
  #requests = new Map();
  #count = 0;
  #timers = [];
  #silence = null;
  #over = false;

  /** @param {RTCIceServer[]} iceServers @param {{name: string, kind: string, direction: string}[]} tracks the client's directions */
  constructor(iceServers, tracks) {
    super();
    this.tracks = tracks;
    this.peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    // The control channel comes first: servers of an earlier kind take the first one for it.
    this.channels = { control: this.peer.createDataChannel("control"), data: this.peer.createDataChannel("data") };
    this.transceivers = new Map(tracks.map((track) => [track.name, this.#transceiver(track)]));
    for (const channel of Object.values(this.channels)) {
      channel.onmessage = ({ data }) => this.#receive(channel.label, data);
      channel.onclose = () => this.fail("The server closed the connection.");
    }
    this.peer.onconnectionstatechange = () => this.#follow();
    this.peer.ontrack = ({ transceiver, track, receiver }) => this.#arrived(transceiver, track, receiver);
  }

  #transceiver({ kind, direction }) {
    if (direction === "recvonly") return this.peer.addTransceiver(kind, { direction });
    const sendEncodings = kind === "video" ? [{ maxBitrate: MAX_SEND_KBPS * 1000 }] : [{}];
    return this.peer.addTransceiver(kind, { direction: "sendonly", sendEncodings });
  }

  /**
   * Negotiates, and waits until peer and channels are open.
   * @param {(sdp: string, mapping: object[]) => Promise<string>} exchange gives the answer to an offer
   * @param {(found: RTCIceCandidate[]) => void} trickle takes candidates that are found later
   */
  async connect(exchange, trickle) {
    const found = [];
    let told = false;
    this.peer.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (told) trickle([candidate]);
      else found.push(candidate);
    };
    const offer = await this.peer.createOffer();
    await this.peer.setLocalDescription({ type: "offer", sdp: withRoundTrips(withStereo(offer.sdp)) });
    const mapping = this.tracks.map(({ name, kind, direction }) => ({ mid: this.transceivers.get(name).mid, name, kind, direction }));
    const answer = await exchange(this.peer.localDescription.sdp, mapping);
    told = true;
    if (found.length) trickle(found);
    await this.peer.setRemoteDescription({ type: "answer", sdp: withRoundTrips(withVideoRate(answer, MAX_SEND_KBPS / 4, MAX_SEND_KBPS)) });
    await this.#opened();
    this.#transmit(wire.ping());
    this.#timers.push(setInterval(() => this.#quietly(wire.ping()), wire.PING_INTERVAL_MS));
    for (const { name, direction } of this.tracks) if (direction === "recvonly") this.#transmit(wire.trackNotice("resume_track", name));
    this.#transmit(wire.requestSchema());
  }

  #opened() {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("No path to the server was found within 30 s: is UDP blocked between here and there?")), READY_LIMIT_MS);
      this.#timers.push(limit);
      const look = () => {
        if (this.#over || this.peer.connectionState === "failed") reject(new Error("The connection failed: no network path to the server."));
        if (this.peer.connectionState !== "connected") return;
        if (Object.values(this.channels).some((channel) => channel.readyState !== "open")) return;
        clearTimeout(limit);
        resolve();
      };
      this.peer.addEventListener("connectionstatechange", look);
      this.addEventListener("lost", look);
      for (const channel of Object.values(this.channels)) channel.addEventListener("open", look);
      look();
    });
  }

  #arrived(transceiver, track, receiver) {
    const described = this.tracks.find(({ name }) => this.transceivers.get(name) === transceiver);
    if (described === undefined) return;
    // Frames are shown as they come: there is no playout delay to smooth what the server paces already.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    this.#tell("track", { ...described, track, receiver });
  }

  #follow() {
    clearTimeout(this.#silence);
    const state = this.peer.connectionState;
    if (state === "failed") this.fail("The connection failed: the network path to the server is gone.");
    if (state === "closed") this.fail("The connection was closed.");
    if (state === "disconnected") {
      this.#silence = setTimeout(() => this.fail("Nothing was heard from the server for 5 s."), SILENT_LIMIT_MS);
      this.#tell("silent", {});
    }
  }

  #receive(label, text) {
    const message = wire.heard(label, text);
    if (message === null) return;
    const waiting = message.requestId === undefined ? undefined : this.#requests.get(message.requestId);
    if (waiting !== undefined) {
      this.#requests.delete(message.requestId);
      clearTimeout(waiting.timer);
      waiting.resolve(message.data);
    }
    this.#tell("heard", { message });
  }

  /**
   * Sends a command.
   * @param {string} name @param {object} data @param {boolean} acknowledged whether the server knows acknowledgements
   * @returns {Promise<{reply: {type: string, data: object}|null, frame: number|null}>} rejects with {@link wire.Refusal}
   */
  async command(name, data, acknowledged) {
    const requestId = acknowledged ? `cmd_${(this.#count += 1)}` : null;
    const frame = wire.command(name, data, requestId);
    this.#tell("sent", { type: name, data });
    if (requestId === null) {
      this.#transmit(frame);
      return { reply: null, frame: null };
    }
    const result = await this.#request(frame, requestId, wire.COMMAND_TIMEOUT_MS);
    if (!result.ok) throw new wire.Refusal(result.error?.code ?? "refused", result.error?.message ?? "The command was refused.");
    return { reply: result.reply ?? null, frame: Number.isInteger(result.frame) ? result.frame : null };
  }

  /** Asks for the publisher's slot of an input track, and sends ``track`` there. Rejects with {@link wire.Refusal}. */
  async publish(name, track) {
    const requestId = `ctrl_${(this.#count += 1)}`;
    const { error } = await this.#request(wire.publishTrack(name, requestId), requestId, wire.CONTROL_TIMEOUT_MS);
    if (error) throw new wire.Refusal(error.code ?? "refused", error.message ?? "The track was refused.");
    await this.replace(name, track);
  }

  /** Sends another track where one was published. */
  async replace(name, track) {
    const { sender } = this.transceivers.get(name);
    await sender.replaceTrack(track);
    if (track?.kind !== "video") return;
    const parameters = sender.getParameters();
    parameters.degradationPreference = "maintain-resolution";
    await sender.setParameters(parameters).catch((error) => {
      if (error.name !== "OperationError" && error.name !== "InvalidModificationError") throw error; // some browsers know no preference
    });
  }

  /** Stops sending, and gives the slot back. */
  async unpublish(name) {
    if (this.#over) return;
    this.#quietly(wire.trackNotice("unpublish_track", name));
    await this.transceivers.get(name).sender.replaceTrack(null);
  }

  fileUploaded(file) {
    this.#transmit(wire.fileUploaded(file));
  }

  #request(frame, requestId, limit) {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#requests.delete(requestId);
        reject(new wire.Refusal("timeout", `The server has not answered within ${limit / 1000} s.`));
      };
      this.#requests.set(requestId, { resolve, reject, timer: setTimeout(late, limit) });
      try {
        this.#transmit(frame);
      } catch (error) {
        clearTimeout(this.#requests.get(requestId).timer);
        this.#requests.delete(requestId);
        reject(error);
      }
    });
  }

  #transmit({ label, text }) {
    if (this.#over || this.channels[label].readyState !== "open") throw new wire.Refusal("disconnected", "There is no connection to the server.");
    this.channels[label].send(text);
  }

  #quietly(frame) {
    if (!this.#over && this.channels[frame.label].readyState === "open") this.#transmit(frame);
  }

  /** The connection is of no use any more: its owner is told why. */
  fail(reason) {
    if (this.#over) return;
    this.close();
    this.#tell("lost", { reason });
  }

  /** Ends the connection: whoever waits for an answer is told. */
  close() {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#silence);
    this.#timers.forEach(clearTimeout);
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer);
      reject(new wire.Refusal("disconnected", "The connection was lost before the server answered."));
    }
    this.#requests.clear();
    this.peer.close();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
