"""A client made of aiortc. ``aiortc_client.py URL``: receives the model's two videos, sends commands, prints one JSON object."""

import asyncio
import json
import sys
import urllib.request
from importlib.metadata import version
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

LIMIT_S = 40.0
LARGE = 200_000
ENOUGH_FRAMES = 5
TRACKS = ("main_video", "side_video")


def call(url: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        told: dict[str, Any] = json.loads(answer.read() or b"{}")
    return told


class Client:
    def __init__(self, url: str) -> None:
        self.url = url
        self.over = asyncio.Event()
        self.seen: dict[str, Any] = {"version": version("aiortc"), "frames": {}, "messages": []}
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.reading: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        session = call(self.url, "POST", "/start_session", {})["session_id"]
        base = f"/sessions/{session}/transport/webrtc/connections"
        path = f"{base}/{call(self.url, 'POST', base)['connection_id']}/sdp_params"
        for _ in TRACKS:
            self.peer.addTransceiver("video", direction="recvonly")
        self.peer.on("track", lambda track: self.reading.append(asyncio.ensure_future(self.read(track))))
        self.control, self.data = (self.peer.createDataChannel(label) for label in ("control", "data"))
        self.data.on("open", self.opened)
        self.data.on("message", self.heard)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        offer = self.peer.localDescription.sdp
        mids = [str(transceiver.mid) for transceiver in self.peer.getTransceivers()]
        mapping = [
            {"mid": mid, "name": name, "kind": "video", "direction": "recvonly"} for mid, name in zip(mids, TRACKS, strict=True)
        ]
        call(self.url, "POST", path, {"sdp_offer": offer, "track_mapping": mapping})
        answer = call(self.url, "GET", path)["sdp_answer"]
        self.seen |= {"offer": offer, "answer": answer}
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            async with asyncio.timeout(LIMIT_S):
                await self.over.wait()
        except TimeoutError:
            pass
        await self.peer.close()
        call(self.url, "POST", "/stop_session", {})
        print(json.dumps(self.seen), flush=True)

    def opened(self) -> None:
        for name in TRACKS:
            self.control.send(json.dumps({"type": "notification", "event": "resume_track", "data": {"name": name}}))
        self.command("measure", {"text": "hello"}, "small")

    def command(self, name: str, data: object, request_id: str) -> None:
        self.data.send(json.dumps({"scope": "application", "data": {"type": name, "data": data, "request_id": request_id}}))

    def heard(self, text: str) -> None:
        message = json.loads(text)
        self.seen["messages"].append(message if len(text) < 2_000 else {"bytes": len(text)})
        inner = message.get("data", {})
        asked = inner.get("data", {}).get("request_id") if inner.get("type") == "commandResult" else None
        if asked == "small":
            self.command("make", {"length": LARGE}, "large down")
        elif asked == "large down":
            self.command("measure", {"text": "y" * LARGE}, "large up")
        elif asked == "large up":
            self.seen["done"] = True
        self.check()

    async def read(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            size = f"{getattr(frame, 'width', 0)}x{getattr(frame, 'height', 0)}"
            self.seen["frames"][size] = self.seen["frames"].get(size, 0) + 1
            self.check()

    def check(self) -> None:
        frames = self.seen["frames"]
        enough = len(frames) == 2 and min(frames.values()) >= ENOUGH_FRAMES
        if self.seen.get("done") and enough:
            self.over.set()


asyncio.run(Client(sys.argv[1]).run())
