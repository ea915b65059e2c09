// A client made of werift, a WebRTC stack in TypeScript. `node werift_client.mjs URL VERSION`, with werift beside it.

import { RTCPeerConnection, RTCRtpCodecParameters } from "werift";
import { TRACKS, Visit } from "./visit.mjs";

const visit = new Visit(process.argv[2], process.argv[3]);
await visit.begin();
const video = [new RTCRtpCodecParameters({ mimeType: "video/VP8", clockRate: 90000, rtcpFeedback: [{ type: "nack", parameter: "pli" }] })];
const peer = new RTCPeerConnection({ codecs: { video }, iceServers: [] });
for (const name of TRACKS) {
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  transceiver.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((rtp) => rtp.header.marker && visit.frame(name)));
}
const control = peer.createDataChannel("control");
const data = peer.createDataChannel("data");
let open = 0;
for (const channel of [control, data]) {
  channel.stateChanged.subscribe((state) => {
    if (state === "open" && ++open === 2) visit.opened((text) => control.send(text), (text) => data.send(text));
  });
  channel.onMessage.subscribe((message) => visit.heard(message.toString()));
}
await peer.setLocalDescription(await peer.createOffer());
while (peer.iceGatheringState !== "complete") await peer.iceGatheringStateChange.asPromise();
await peer.setRemoteDescription({ type: "answer", sdp: await visit.exchange(peer.localDescription.sdp) });
await visit.finish();
