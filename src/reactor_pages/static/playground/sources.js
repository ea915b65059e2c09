/**
 * Where the media of an input track can come from: a device of this machine, or a file that is played in a loop.
 *
 * @typedef {{track: MediaStreamTrack, label: string, preview: HTMLVideoElement|null, stop: () => void}} Source
 */

import { clipTrack } from "./clip_track.js";

const READY_LIMIT_MS = 15000;

/** Why there is no media; the message says what to do. */
export class NoSource extends Error {}

/** The camera or the microphone. @param {"video"|"audio"} kind @returns {Promise<Source>} */
export async function device(kind) {
  const name = kind === "video" ? "camera" : "microphone";
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new NoSource(`Browsers give the ${name} only to pages from https or from localhost: open this page as http://localhost:${location.port || 80}, or choose a file.`);
  }
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(kind === "video" ? { video } : { audio: true });
    const [track] = stream.getTracks();
    const preview = kind === "video" ? await playing(element({ stream })) : null;
    return { track, label: track.label || name, preview, stop: () => track.stop() };
  } catch (error) {
    throw new NoSource(whyNoDevice(error, name));
  }
}

function whyNoDevice(error, name) {
  if (error.name === "NotAllowedError") return `The browser was not allowed to use the ${name}: allow it in the address bar, or choose a file.`;
  if (error.name === "NotFoundError") return `There is no ${name} on this machine: choose a file instead.`;
  if (error.name === "NotReadableError") return `The ${name} is in use by another program.`;
  if (error instanceof DOMException || error instanceof NoSource) return `The ${name} cannot be used: ${error.message}`;
  throw error;
}

/** A file of this machine. @param {File} file @param {"video"|"audio"} kind @returns {Promise<Source>} */
export async function file(file, kind) {
  const url = URL.createObjectURL(file);
  try {
    return await played(url, kind, file.name, () => URL.revokeObjectURL(url));
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
}

/** A clip that the model's author offers. @param {string} url @param {string} name @param {"video"|"audio"} kind @returns {Promise<Source>} */
export const sample = (url, name, kind) => played(url, kind, name, () => undefined);

async function played(url, kind, name, release) {
  const player = await playing(element({ url }), name);
  const captured = capture(player, kind, name);
  const stop = () => {
    captured.stop();
    player.pause();
    player.removeAttribute("src");
    player.load();
    release();
  };
  return { track: captured.track, label: name, preview: kind === "video" ? player : null, stop };
}

function capture(player, kind, name) {
  if (kind === "video") {
    if (!player.videoWidth) throw new NoSource(`${name} has no picture.`);
    return clipTrack(player);
  }
  const stream = player.captureStream?.() ?? player.mozCaptureStream?.();
  if (!stream) return capturedSound(player);
  const [track] = stream.getAudioTracks();
  if (!track) throw new NoSource(`${name} has no sound.`);
  return { track, stop: () => stream.getTracks().forEach((each) => each.stop()) };
}

function capturedSound(player) {
  const context = new AudioContext();
  const end = context.createMediaStreamDestination();
  player.muted = false; // it is heard by the model alone: it is not connected to the loudspeaker
  context.createMediaElementSource(player).connect(end);
  return { track: end.stream.getAudioTracks()[0], stop: () => context.close() };
}

function element({ url, stream }) {
  const player = document.createElement("video");
  player.muted = true;
  player.loop = true;
  player.playsInline = true;
  if (stream) player.srcObject = stream;
  else player.src = url;
  return player;
}

async function playing(player, name = "the source") {
  const failed = new Promise((_, reject) => {
    player.onerror = () => reject(new NoSource(`This browser cannot play ${name}: try MP4 (H.264) or WebM.`));
    setTimeout(() => reject(new NoSource(`${name} did not start to play within 15 s.`)), READY_LIMIT_MS);
  });
  await Promise.race([player.play(), failed]).catch((error) => {
    throw error instanceof NoSource ? error : new NoSource(`This browser cannot play ${name}: try MP4 (H.264) or WebM.`);
  });
  return player;
}
