// Drives the published JavaScript client through the scenario, and logs one JSON line per step with what it observed.
// The colours that it waits for are told back as they were measured; the suite judges them.
// With a token the address is a coordinator's, else a runtime's.
import { Reactor } from "@reactor-team/js-sdk";

const screen = document.getElementById("screen");

const tell = (step, observed) => console.log(JSON.stringify({ step, ...observed }));

function withDeadline(promise, seconds, what) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

const nextPaint = () => new Promise((resolve) => screen.requestVideoFrameCallback(resolve));

// The colour in the middle of one half of the picture, as the browser decoded it.
function colorOf(half) {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d");
  const { videoWidth: width, videoHeight: height } = screen;
  const top = half === "upper" ? height / 8 : (5 * height) / 8;
  pixel.drawImage(screen, width / 4, top, width / 2, height / 4, 0, 0, 1, 1);
  return Array.from(pixel.getImageData(0, 0, 1, 1).data.slice(0, 3));
}

// A camera in front of a wall of one colour, painted again and again so that frames keep coming.
function solidCamera([red, green, blue]) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  const paint = () => {
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  paint();
  const painting = setInterval(paint, 33);
  const [track] = canvas.captureStream(30).getVideoTracks();
  return { track, stop: () => { clearInterval(painting); track.stop(); } };
}

class Visit {
  constructor(script, apiUrl, token) {
    this.script = script;
    this.token = token ?? undefined;
    this.reactor = new Reactor({ modelName: script.model, apiUrl, local: !token });
    this.statuses = [];
    this.errors = [];
    this.messages = [];
    this.waiting = [];
    this.reactor.on("statusChanged", (status) => this.statuses.push(status));
    this.reactor.on("error", (error) => this.errors.push(`${error.code}: ${error.message}`));
    this.reactor.on("message", (message) => {
      const taker = this.waiting.shift();
      taker ? taker(message) : this.messages.push(message);
    });
    this.reactor.on("trackReceived", (name, track) => {
      this.trackName = name;
      screen.srcObject = new MediaStream([track]);
    });
  }

  nextMessage() {
    return this.messages.length > 0
      ? Promise.resolve(this.messages.shift())
      : new Promise((resolve) => this.waiting.push(resolve));
  }

  // What a runtime message of one of these kinds says.
  runtimeMessage(...kinds) {
    return new Promise((resolve) => {
      this.reactor.on("runtimeMessage", (message) => kinds.includes(message.type) && resolve(message));
    });
  }

  becomesReady() {
    return new Promise((resolve) => {
      this.reactor.on("statusChanged", (status) => status === "ready" && resolve());
    });
  }

  // The statuses that were passed since the last time of asking.
  statusesSince() {
    return this.statuses.splice(0);
  }

  // The model's answer, and how it came.
  async ask(command, data) {
    const returned = await this.reactor.sendCommand(command, data);
    return returned === undefined ? [await this.nextMessage(), "an event"] : [returned, "returned"];
  }

  setColor([red, green, blue]) {
    return this.ask("set_color", { red, green, blue });
  }

  async colorBecomes(half, wanted) {
    for (;;) {
      await nextPaint();
      const seen = colorOf(half);
      if (seen.every((channel, index) => Math.abs(channel - wanted[index]) <= this.script.near)) {
        return seen;
      }
    }
  }

  async refusedWith(command, data) {
    try {
      await this.reactor.sendCommand(command, data);
    } catch (error) {
      return error.code ?? String(error);
    }
    return null;
  }

  async connect() {
    this.began = performance.now();
    const ready = this.becomesReady();
    await this.reactor.connect(this.token);
    const atReturn = this.reactor.getStatus();
    await ready;
    const { tracks } = this.reactor.getCapabilities();
    return {
      status_at_return: atReturn,
      statuses: this.statusesSince(),
      session_id: this.reactor.getSessionId(),
      tracks,
    };
  }

  // The video plays: the element's own clock moves on.
  async picture() {
    await nextPaint();
    const firstAfter = (performance.now() - this.began) / 1000;
    const upper = await this.colorBecomes("upper", this.script.first);
    const before = screen.currentTime;
    for (let frame = 0; frame < 10; frame += 1) {
      await nextPaint();
    }
    if (screen.paused || screen.currentTime <= before) {
      throw new Error("the video does not play");
    }
    return { track: this.trackName, size: [screen.videoWidth, screen.videoHeight], upper, first_after: firstAfter };
  }

  async command() {
    const [answer, answerIs] = await this.setColor(this.script.command);
    return { answer, answer_is: answerIs, upper: await this.colorBecomes("upper", this.script.command) };
  }

  async refusals() {
    const codes = {};
    for (const [mistake, [command, data]] of Object.entries(this.script.mistakes)) {
      codes[mistake] = await this.refusedWith(command, data);
    }
    const [answer] = await this.setColor(this.script.command);
    return { codes, next_answer: answer };
  }

  async upload() {
    const { name, mime_type: type, line, times } = this.script.file;
    const file = await this.reactor.uploadFile(new File([line.repeat(times)], name, { type }));
    const [answer] = await this.ask("describe_file", { file });
    return { reference: { name: file.name, mime_type: file.mimeType, size: file.size }, answer };
  }

  async publish() {
    const camera = solidCamera(this.script.camera);
    await this.reactor.publishTrack("camera", camera.track);
    const lower = await this.colorBecomes("lower", this.script.camera);
    const [answer] = await this.ask("describe_camera", {});
    await this.reactor.unpublishTrack("camera");
    camera.stop();
    return { lower, answer };
  }

  // Whether the package can pause is asked of the package itself.
  async pause() {
    return typeof this.reactor.pauseTrack === "function" ? { unknown: "it can" } : { cannot: "pauseTrack" };
  }

  async resume() {
    return typeof this.reactor.resumeTrack === "function" ? { unknown: "it can" } : { cannot: "resumeTrack" };
  }

  async clip() {
    if (typeof this.reactor.requestClip === "function") {
      return { unknown: "it can" };
    }
    const told = this.runtimeMessage("clipReady", "clipFailed");
    await this.reactor.sendCommand("requestClip", { duration_seconds: this.script.clip_seconds }, "runtime");
    const { data: clip } = await told;
    return {
      asked_by: "a runtime message",
      kind: clip.kind,
      of_this_session: clip.session_id === this.reactor.getSessionId(),
      seconds: clip.end_marker - clip.start_marker,
    };
  }

  // Leaves in a way that keeps the session, and comes back to it.
  async come_back() {
    const sessionId = this.reactor.getSessionId();
    await this.setColor(this.script.left);
    this.statusesSince();
    await this.reactor.disconnect(true);
    const ready = this.becomesReady();
    await this.reactor.reconnect();
    await ready;
    const statuses = this.statusesSince();
    const kept = await this.colorBecomes("upper", this.script.left);
    const [answer] = await this.setColor(this.script.returned);
    const upper = await this.colorBecomes("upper", this.script.returned);
    return {
      statuses: [statuses.at(0), statuses.at(-1)],
      same_session: this.reactor.getSessionId() === sessionId,
      kept,
      answer,
      upper,
    };
  }

  async disconnect() {
    await this.reactor.disconnect();
    const { reactor, errors } = this;
    return { status: reactor.getStatus(), session_id: reactor.getSessionId() ?? null, errors };
  }

  async take(step) {
    try {
      tell(step, await withDeadline(this[step](), this.script.step_seconds, step));
    } catch (error) {
      tell(step, { error: String(error), statuses: this.statuses, errors: this.errors });
      throw error;
    }
  }
}

window.visit = async (script, apiUrl, token) => {
  const visit = new Visit(script, apiUrl, token);
  const steps = script.steps.slice(0, -1);
  try {
    for (const step of steps) {
      await visit.take(step);
    }
  } finally {
    await visit.take(script.steps.at(-1));
  }
};
