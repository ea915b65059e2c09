"""Several viewers of one runtime in one process, as cheap as they can be: all decode, two of them look at what they get.

Started as ``python -m benchmarks.audience --viewers N --url URL --result FILE --runtime-pid PID``. It has our engine, whoever's
the runtime is.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import numpy as np

from benchmarks import pixel_clock, procfs
from benchmarks.samples import Gathered
from benchmarks.viewer import TRACK, WARM_UP_S
from reactor_protocol.codec import JSON_CODEC
from reactor_protocol.messages import ResumeTrack
from reactor_protocol.names import NIL_SESSION_ID
from reactor_rtc.frames import VideoFrame
from reactor_rtc.peer_proxy import PeerProxy
from reactor_rtc.port import ChannelOpened, PeerConfig, PeerEvent, Section

POLL_S = 0.02
JOIN_S = 20.0
"""How long all viewers together may take to see their first picture, in seconds."""
READERS = 2
"""So many of the viewers read the clock in the picture: the first, and the first that came after it."""
READ_EVERY = 5
"""One picture in so many has its clock read: the reading costs more than the rest of a viewer."""
LABELS = ("control", "data")


@dataclass(eq=False)
class Viewer:
    """One viewer: how old some of its pictures were, where it ``reads``, and when the first one came."""

    reads: bool = True
    ages_ms: list[float] = field(default_factory=list)
    peer: PeerProxy | None = None
    mid: str = ""
    _pictures: int = 0
    first: asyncio.Event = field(default_factory=asyncio.Event)
    joined_ms: float = 0.0
    _open: set[str] = field(default_factory=set)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, event: PeerEvent) -> None:
        if isinstance(event, ChannelOpened):
            self._open.add(event.label)
            if len(self._open) == len(LABELS):
                self._opened.set()

    async def watch(self, http: aiohttp.ClientSession, url: str) -> None:
        """Joins and counts pictures until it is cancelled."""
        started = time.monotonic()
        self.peer = PeerProxy(PeerConfig(), self.heard)
        try:
            self.mid = await _negotiate(self.peer, http, f"{url}/sessions/{NIL_SESSION_ID}/transport/webrtc")
            await self._opened.wait()
            self.peer.send(JSON_CODEC.encode(ResumeTrack(TRACK)))
            while not (await self.decoded())[0]:  # noqa: ASYNC110 - the engine announces no first picture
                await asyncio.sleep(POLL_S)
            self.joined_ms = (time.monotonic() - started) * 1000
            self.first.set()
            if not self.reads:
                await asyncio.Event().wait()
            async for picture in self.peer.media(self.mid):
                assert isinstance(picture, VideoFrame)
                self._note(picture)
        finally:
            await self.peer.close()

    async def decoded(self) -> tuple[int, float]:
        """How many pictures have been decoded since it joined, and when that was so, in seconds."""
        assert self.peer is not None
        track = (await self.peer.stats()).tracks.get(self.mid)
        return (track.frames if track is not None else 0), time.monotonic()

    def _note(self, picture: VideoFrame) -> None:
        self._pictures += 1
        if self._pictures % READ_EVERY:
            return
        luma = picture.data[: picture.width * picture.height].reshape(picture.height, picture.width, 1)
        age = pixel_clock.age_ms(np.broadcast_to(luma, (picture.height, picture.width, 3)), time.monotonic_ns())
        if age is not None:
            self.ages_ms.append(age)


async def _negotiate(peer: PeerProxy, http: aiohttp.ClientSession, root: str) -> str:
    """Offers, and takes the answer; the mid of the picture's section."""
    async with http.post(f"{root}/connections") as response:
        response.raise_for_status()
        path = f"{root}/connections/{(await response.json())['connection_id']}/sdp_params"
    offer = await peer.offer([Section("video", "receive")], LABELS)
    mapping = [{"mid": offer.mids[0], "name": TRACK, "kind": "video", "direction": "recvonly"}]
    async with http.post(path, json={"sdp_offer": offer.sdp, "track_mapping": mapping}) as response:
        response.raise_for_status()
    while True:
        async with http.get(path) as response:
            if response.status == 200:
                await peer.accept_answer((await response.json())["sdp_answer"])
                return offer.mids[0]
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _watching(url: str, count: int) -> AsyncIterator[list[Viewer]]:
    """A session with so many viewers, all of whom have seen a picture."""
    viewers = [Viewer(reads=number < READERS) for number in range(count)]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await (await http.post(f"{url}/start_session", json={})).read()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(viewer.watch(http, url)) for viewer in viewers]
            async with asyncio.timeout(JOIN_S):
                await asyncio.gather(*(viewer.first.wait() for viewer in viewers))
            try:
                yield viewers
            finally:
                for task in tasks:
                    task.cancel()
        await (await http.post(f"{url}/stop_session", json={})).read()


async def gather(url: str, count: int, seconds: float, runtime_pid: int) -> Gathered:
    """Looks at the stream with so many viewers for a while, after a warm-up."""
    async with _watching(url, count) as viewers:
        await asyncio.sleep(WARM_UP_S)
        for viewer in viewers:
            viewer.ages_ms = []
        before = [await viewer.decoded() for viewer in viewers]
        started, cpu = time.monotonic(), procfs.cpu_seconds(runtime_pid)
        await asyncio.sleep(seconds)
        window, spent = time.monotonic() - started, procfs.cpu_seconds(runtime_pid) - cpu
        after = [await viewer.decoded() for viewer in viewers]
        return Gathered(
            fps=[(last - first) / (end - begin) for (first, begin), (last, end) in zip(before, after, strict=True)],
            ages_ms=[age for viewer in viewers for age in viewer.ages_ms],
            joined_ms=[viewer.joined_ms for viewer in viewers],
            runtime_cpu_s=spent,
            window_s=window,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runtime-pid", type=int, required=True)
    given = parser.parse_args()
    samples = asyncio.run(gather(given.url, given.viewers, given.seconds, given.runtime_pid))
    part = given.result.with_suffix(".part")
    part.write_text(json.dumps(asdict(samples)))
    part.replace(given.result)


if __name__ == "__main__":
    main()
