// A client made of node-datachannel (libdatachannel). `node node_datachannel_client.mjs URL VERSION`, with the package beside it.

import { PeerConnection, RtcpReceivingSession, Video } from "node-datachannel";
import { TRACKS, Visit, endsFrame } from "./visit.mjs";

const visit = new Visit(process.argv[2], process.argv[3]);
await visit.begin();
// It would make an offer of its own with the first channel, and gather for it before anybody listens.
const peer = new PeerConnection("client", { iceServers: [], disableAutoNegotiation: true });
const tracks = TRACKS.map((name, index) => {
  const video = new Video(`video${index}`, "RecvOnly");
  video.addVP8Codec(96);
  const track = peer.addTrack(video);
  track.setMediaHandler(new RtcpReceivingSession());
  track.onMessage((packet) => endsFrame(packet) && visit.frame(name));
  return track;
});
const control = peer.createDataChannel("control");
const data = peer.createDataChannel("data");
let open = 0;
for (const channel of [control, data]) {
  channel.onOpen(() => {
    if (++open === 2) visit.opened((text) => control.sendMessage(text), (text) => data.sendMessage(text));
  });
  channel.onMessage((message) => visit.heard(message.toString()));
}
const gathered = new Promise((resolve) => peer.onGatheringStateChange((state) => state === "complete" && resolve()));
peer.setLocalDescription();
await gathered;
peer.setRemoteDescription(await visit.exchange(peer.localDescription().sdp), "answer");
await visit.finish();
tracks.length = 0;
