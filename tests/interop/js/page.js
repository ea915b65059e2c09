// Drives the published JavaScript client through a whole session, and logs one JSON line per step with what it observed.
// The colours that it waits for are told back as they were measured; the suite judges them.
// With a token the address is a coordinator's, else a runtime's.
import { Reactor } from "@reactor-team/js-sdk";

const STEP_MS = 20_000;
const NEAR = 30;

const FIRST_COLOR = [200, 40, 40];
const COMMAND_COLOR = [30, 160, 60];
const RETURN_COLOR = [150, 40, 150];
const CAMERA_COLOR = [40, 60, 200];

const screen = document.getElementById("screen");

const tell = (step, observed) => console.log(JSON.stringify({ step, ...observed }));

const isNear = (seen, wanted) => seen.every((channel, index) => Math.abs(channel - wanted[index]) <= NEAR);

function withDeadline(promise, what) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${STEP_MS} ms`)), STEP_MS);
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

async function colorBecomes(half, wanted) {
  for (;;) {
    await nextPaint();
    const seen = colorOf(half);
    if (isNear(seen, wanted)) {
      return seen;
    }
  }
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
  constructor(apiUrl, token) {
    this.token = token ?? undefined;
    this.reactor = new Reactor({ modelName: "interop-echo", apiUrl, local: !token });
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

  becomesReady() {
    return new Promise((resolve) => {
      this.reactor.on("statusChanged", (status) => status === "ready" && resolve());
    });
  }

  // The statuses that were passed since the last time of asking.
  statusesSince() {
    return this.statuses.splice(0);
  }

  async setColor([red, green, blue]) {
    await this.reactor.sendCommand("set_color", { red, green, blue });
    return this.nextMessage();
  }

  async connect() {
    const ready = this.becomesReady();
    await this.reactor.connect(this.token);
    await ready;
    const { tracks } = this.reactor.getCapabilities();
    return { statuses: this.statusesSince(), sessionId: this.reactor.getSessionId(), tracks };
  }

  async video() {
    const upper = await colorBecomes("upper", FIRST_COLOR);
    const before = screen.currentTime;
    for (let frame = 0; frame < 10; frame += 1) {
      await nextPaint();
    }
    return {
      track: this.trackName,
      size: [screen.videoWidth, screen.videoHeight],
      seconds: screen.currentTime - before,
      paused: screen.paused,
      upper,
    };
  }

  async command() {
    await this.reactor.sendCommand("no_such_command", {});
    const message = await this.setColor(COMMAND_COLOR);
    return { message, upper: await colorBecomes("upper", COMMAND_COLOR) };
  }

  async upload() {
    const text = "one file, two runtimes\n".repeat(500);
    const file = await this.reactor.uploadFile(new File([text], "note.txt", { type: "text/plain" }));
    await this.reactor.sendCommand("describe_file", { file });
    const reference = { name: file.name, mimeType: file.mimeType, size: file.size };
    return { reference, message: await this.nextMessage() };
  }

  async camera() {
    const camera = solidCamera(CAMERA_COLOR);
    await this.reactor.publishTrack("camera", camera.track);
    const lower = await colorBecomes("lower", CAMERA_COLOR);
    await this.reactor.sendCommand("describe_camera", {});
    const message = await this.nextMessage();
    await this.reactor.unpublishTrack("camera");
    camera.stop();
    return { lower, message };
  }

  // Leaves in a way that keeps the session, and comes back to it.
  async reconnect() {
    await this.reactor.disconnect(true);
    const away = this.statusesSince();
    const ready = this.becomesReady();
    await this.reactor.reconnect();
    await ready;
    const kept = await colorBecomes("upper", COMMAND_COLOR);
    const message = await this.setColor(RETURN_COLOR);
    const upper = await colorBecomes("upper", RETURN_COLOR);
    return { away, kept, back: this.statusesSince(), sessionId: this.reactor.getSessionId(), message, upper };
  }

  async disconnect() {
    await this.reactor.disconnect();
    const { errors } = this;
    return { statuses: this.statusesSince(), sessionId: this.reactor.getSessionId() ?? null, errors };
  }

  async take(step) {
    try {
      tell(step, await withDeadline(this[step](), step));
    } catch (error) {
      tell(step, { error: String(error), statuses: this.statuses, errors: this.errors });
      throw error;
    }
  }
}

window.visit = async (apiUrl, token) => {
  const visit = new Visit(apiUrl, token);
  try {
    for (const step of ["connect", "video", "command", "upload", "camera", "reconnect"]) {
      await visit.take(step);
    }
  } finally {
    await visit.take("disconnect");
  }
};
