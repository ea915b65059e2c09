"""A client made of GStreamer's webrtcbin, with its own defaults; run by the interpreter that has the distribution's bindings.

``gstreamer_client.py URL CODEC [fragments]``: receives the model's two videos (offered in CODEC), sends commands, and prints one
JSON object. With ``fragments`` it declares that it reads messages in fragments, each a flag byte (1: more follow, 2: text) and a
part of the message.
"""

import json
import sys
import urllib.request
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

LIMIT_MS = 20_000
LARGE = 200_000
FRAGMENT = 65_536
ENOUGH_FRAMES = 5


class Client:
    """One visit. ``seen`` is what is printed at its end."""

    def __init__(self, url: str, codec: str, fragments: bool) -> None:
        self.url = url
        self.fragments = fragments
        self.parts = b""
        self.codec = codec
        self.loop = GLib.MainLoop()
        self.seen = {"version": Gst.version_string().removeprefix("GStreamer "), "frames": {}, "messages": []}
        self.session = self.call("POST", "/start_session", {})["session_id"]
        self.base = f"/sessions/{self.session}/transport/webrtc/connections"
        self.id = self.call("POST", self.base, None)["connection_id"]
        self.pipeline = Gst.Pipeline.new()
        self.peer = Gst.ElementFactory.make("webrtcbin")
        self.pipeline.add(self.peer)
        self.peer.connect("pad-added", self.pad_added)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        GLib.timeout_add(LIMIT_MS, self.end)

    def call(self, method: str, path: str, body: object) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                told: dict[str, Any] = json.loads(answer.read() or b"{}")
                return told
        except urllib.error.HTTPError as error:
            self.seen["refused"] = [error.code, error.read().decode()]
            self.print()
            sys.exit(1)

    def run(self) -> None:
        for payload in (96, 97):
            caps = f"application/x-rtp,media=video,encoding-name={self.codec},payload={payload},clock-rate=90000"
            self.peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
        self.pipeline.set_state(Gst.State.READY)
        self.channels = {label: self.peer.emit("create-data-channel", label, None) for label in ("control", "data")}
        self.channels["data"].connect("on-open", self.opened)
        self.channels["data"].connect("on-message-string", self.heard)
        self.channels["control"].connect("on-message-string", self.heard)
        for channel in self.channels.values():
            channel.connect("on-message-data", self.fragment)
        self.pipeline.set_state(Gst.State.PLAYING)
        made = Gst.Promise.new()
        self.peer.emit("create-offer", None, made)
        made.wait()
        reply = made.get_reply()  # holds the description for as long as it is held itself
        self.peer.emit("set-local-description", reply.get_value("offer"), None)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        self.call("POST", "/stop_session", {})
        self.print()

    def print(self) -> None:
        print(json.dumps(self.seen), flush=True)

    def end(self) -> bool:
        self.loop.quit()
        return False

    def gathered(self, *_: object) -> None:
        if self.peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.signal)

    def signal(self) -> bool:
        offer = self.peer.get_property("local-description").sdp.as_text()
        if self.fragments:
            offer = offer.replace("m=", "a=x-reactor-dc-chunking:1 max-message-size=1048576\r\nm=", 1)
        self.seen["offer"] = offer
        mids = [line.removeprefix("a=mid:").strip() for line in offer.splitlines() if line.startswith("a=mid:video")]
        mapping = [
            {"mid": mid, "name": name, "kind": "video", "direction": "recvonly"}
            for mid, name in zip(mids, ("main_video", "side_video"), strict=False)
        ]
        self.call("POST", f"{self.base}/{self.id}/sdp_params", {"sdp_offer": offer, "track_mapping": mapping})
        answer = self.call("GET", f"{self.base}/{self.id}/sdp_params", None)["sdp_answer"]
        self.seen["answer"] = answer
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        described = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.peer.emit("set-remote-description", described, None)
        return False

    def opened(self, channel: object) -> None:
        for name in ("main_video", "side_video"):
            note = {"type": "notification", "event": "resume_track", "data": {"name": name}}
            self.send("control", json.dumps(note))
        self.command("measure", {"text": "hello"}, "small")

    def command(self, name: str, data: object, request_id: str) -> None:
        message = {"scope": "application", "data": {"type": name, "data": data, "request_id": request_id}}
        self.send("data", json.dumps(message))

    def send(self, label: str, text: str) -> None:
        if not self.fragments:
            self.channels[label].emit("send-string", text)
            return
        parts = [text[begin : begin + FRAGMENT - 1] for begin in range(0, len(text), FRAGMENT - 1)]
        for number, part in enumerate(parts):
            flags = bytes((2 | (number < len(parts) - 1),))
            self.channels[label].emit("send-data", GLib.Bytes.new(flags + part.encode()))

    def fragment(self, channel: object, data: GLib.Bytes) -> None:
        flags, part = data.get_data()[0], data.get_data()[1:]
        self.parts += part
        if not flags & 1:
            whole, self.parts = self.parts, b""
            self.heard(channel, whole.decode())

    def heard(self, channel: object, text: str) -> None:
        message = json.loads(text)
        self.seen["messages"].append(message if len(text) < 2_000 else {"bytes": len(text)})
        self.check()
        inner = message.get("data", {})
        asked = inner.get("data", {}).get("request_id") if inner.get("type") == "commandResult" else None
        if asked == "small":
            self.command("make", {"length": LARGE}, "large down")
        elif asked == "large down":
            # Version 1.22 itself sends no message above 64 KiB, whatever the other side takes.
            self.command("measure", {"text": "y" * (LARGE if self.fragments else 60_000)}, "large up")
        elif asked == "large up":
            self.seen["done"] = True
            self.check()

    def pad_added(self, _peer: object, pad: Gst.Pad) -> None:
        if pad.direction != Gst.PadDirection.SRC:
            return
        chain = Gst.parse_bin_from_description("rtpvp8depay ! vp8dec ! fakesink signal-handoffs=true name=sink sync=false", True)
        self.pipeline.add(chain)
        sink = chain.get_by_name("sink")
        sink.connect("handoff", self.frame)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def frame(self, _sink: object, _buffer: Gst.Buffer, pad: Gst.Pad) -> None:
        caps = pad.get_current_caps().get_structure(0)
        size = f"{caps.get_value('width')}x{caps.get_value('height')}"
        self.seen["frames"][size] = self.seen["frames"].get(size, 0) + 1
        GLib.idle_add(self.check)

    def check(self) -> bool:
        """Ends the visit once everything has been seen."""
        frames = self.seen["frames"]
        enough = len(frames) == 2 and min(frames.values()) >= ENOUGH_FRAMES
        if self.seen.get("done") and (enough or self.codec != "VP8"):
            self.loop.quit()
        return False


Gst.init(None)
Client(sys.argv[1], sys.argv[2], sys.argv[3:] == ["fragments"]).run()
