// The page's half of the widget. anywidget gives `model`: messages to and from the kernel, where the client lives.
// `buildControls` is the playground's, in front of this file.

const PART_BYTES = 1024 * 1024;
const TYPE = "image/jpeg";

/** Requests to the kernel, each with one answer. */
class Requests {
  #model;
  #waiting = new Map();
  #count = 0;
  #origin = Math.floor(Math.random() * 2 ** 40);

  constructor(model) {
    this.#model = model;
  }

  /** Sends a request; resolves with the reply, rejects with {code, message}. */
  ask(content, parts = []) {
    // Two pages may show one widget, and both hear every answer.
    const id = this.#origin + ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#model.send({ ...content, id }, undefined, parts);
    });
  }

  /** Takes an answer. */
  answered({ id, reply, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(error);
    else waiting?.resolve(reply ?? null);
  }

  /** Nobody answers any more. */
  end() {
    for (const { reject } of this.#waiting.values()) reject({ code: "CLOSED", message: "the widget was closed" });
    this.#waiting.clear();
  }

  /** Uploads a file in parts; resolves with its reference. */
  async upload(file) {
    const key = `${this.#origin}-${++this.#count}`;
    const about = { type: "upload", key, name: file.name, mime_type: file.type, size: file.size };
    let reference = null;
    for (let begin = 0; begin < Math.max(file.size, 1); begin += PART_BYTES) {
      const part = await file.slice(begin, begin + PART_BYTES).arrayBuffer();
      reference = await this.ask(about, [part]);
    }
    return reference;
  }
}

/** Draws pictures, and tells the kernel of each that was drawn. */
class Screen {
  #canvas = element("canvas", { role: "img" });
  #hint = element("span", {}, "no picture yet");
  #model;

  constructor(root, model) {
    this.#model = model;
    this.#canvas.hidden = true;
    root.append(this.#canvas, this.#hint);
  }

  /** Says what the picture is of. */
  name(track) {
    this.#canvas.setAttribute("aria-label", `live picture of ${track ?? "the model"}`);
  }

  /** Shows a JPEG file, when the page is next painted: a page that nobody sees asks for nothing. */
  async show({ number }, data) {
    const picture = await createImageBitmap(new Blob([data], { type: TYPE })).catch(() => null);
    requestAnimationFrame(() => {
      if (picture) this.#draw(picture);
      this.#model.send({ type: "drawn", number });
    });
  }

  #draw(picture) {
    const canvas = this.#canvas;
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
    }
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    canvas.hidden = false;
    this.#hint.hidden = true;
  }
}

/** The line above the picture: which model, how it is, figures, and which track is shown. */
class Bar {
  #name = element("span", { class: "name" });
  #status = element("span", { class: "status", role: "status" });
  #tracks = element("select", { "aria-label": "track" });
  #figures = element("span", { class: "figures" });

  constructor(root, model) {
    this.#tracks.addEventListener("change", () => model.send({ type: "track", name: this.#tracks.value }));
    root.append(this.#name, this.#status, this.#tracks, this.#figures);
  }

  state({ title, status, queue, tracks, track }) {
    this.#name.textContent = title;
    this.#status.textContent = queue ? `${status}: place ${queue.position} of ${queue.waiting}` : status;
    this.#status.classList.toggle("ready", status === "ready");
    this.#tracks.replaceChildren(...tracks.map((name) => new Option(name, name, false, name === track)));
    this.#tracks.hidden = tracks.length < 2;
    if (status !== "ready") this.#figures.textContent = "";
  }

  figures({ fps, rtt, bitrate }) {
    const parts = [];
    if (fps != null) parts.push(`${fps.toFixed(0)} fps`);
    if (bitrate != null) parts.push(`${(bitrate / 1e6).toFixed(1)} Mbit/s`);
    if (rtt != null) parts.push(`${(rtt * 1000).toFixed(0)} ms`);
    this.#figures.textContent = parts.join(" · ");
  }
}

/** The whole widget in one place of a page. */
class View {
  #root;
  #bar;
  #screen;
  #failure = element("p", { class: "failure", role: "alert" });
  #commands = element("div", { class: "forms" });
  #requests;
  #controls = null;
  #ready = false;
  #schema = "";

  constructor(root, model) {
    // JupyterLab reads single letters as its own commands where they are not typed into a field.
    root.setAttribute("data-lm-suppress-shortcuts", "true");
    root.classList.add("reactor-widget");
    this.#root = root;
    this.#requests = new Requests(model);
    const bar = element("div", { class: "bar" });
    const picture = element("div", { class: "picture" });
    const columns = element("div", { class: "columns" });
    columns.append(picture, this.#commands);
    root.append(bar, this.#failure, columns);
    this.#bar = new Bar(bar, model);
    this.#screen = new Screen(picture, model);
    this.#fail("");
  }

  /** Takes a message of the kernel. */
  take(message, parts) {
    if (message.type === "frame") {
      this.#bar.figures(message.figures);
      this.#screen.show(message, parts[0]);
    } else if (message.type === "answer") this.#requests.answered(message);
    else if (message.type === "schema") this.#build(message.schema);
    else if (message.type === "error") this.#fail(`${message.message} [${message.code}]`);
    else if (message.type === "state") this.#state(message);
  }

  #state(state) {
    this.#root.classList.toggle("dark", isDark(this.#root));
    this.#ready = state.status === "ready";
    this.#bar.state(state);
    this.#screen.name(state.track);
    this.#controls?.setEnabled(this.#ready);
    if (this.#ready) this.#fail("");
  }

  #build(schema) {
    const text = JSON.stringify(schema);
    if (text === this.#schema) return; // what somebody is about to type stays
    this.#schema = text;
    this.#controls?.destroy();
    this.#commands.replaceChildren();
    this.#controls = buildControls(this.#commands, schema, {
      send: (name, data) => this.#requests.ask({ type: "command", name, data }),
      upload: (file) => this.#requests.upload(file),
    });
    this.#controls.setEnabled(this.#ready);
  }

  #fail(text) {
    this.#failure.textContent = text;
    this.#failure.hidden = !text;
  }

  end() {
    this.#controls?.destroy();
    this.#requests.end();
  }
}

/** An element with attributes and text. */
function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** Whether what is behind an element is dark: notebooks have their own themes, whatever the operating system prefers. */
function isDark(inner) {
  for (let place = inner.parentElement; place; place = place.parentElement) {
    const [red, green, blue, alpha = 1] = (getComputedStyle(place).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    if (red !== undefined && alpha > 0) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Shows the widget; anywidget calls the returned function when this place is gone. */
function render({ model, el }) {
  const view = new View(el, model);
  const take = (message, parts) => view.take(message, parts);
  model.on("msg:custom", take);
  model.send({ type: "hello" });
  return () => {
    model.off("msg:custom", take);
    view.end();
  };
}

export default { render };
