"""Frames: three ways to the same pictures, and the figures of the connection."""

import asyncio

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from reactor_sdk import Reactor


async def main() -> None:
    async with Reactor("studio", local=True) as reactor:
        # --8<-- [start:callback]
        first = asyncio.Event()

        @reactor.on_frame
        def show(frame: NDArray[np.uint8]) -> None:
            """(H, W, 3) uint8 RGB. While it is busy frames are skipped, so that the next one is recent."""
            first.set()

        await reactor.connect()
        await first.wait()
        # --8<-- [end:callback]
        # --8<-- [start:iterator]
        seen = 0
        async for frame in reactor.frames("main_video"):
            print(frame.shape)
            if (seen := seen + 1) == 3:
                break
        # --8<-- [end:iterator]
        # --8<-- [start:track]
        track = reactor.get_remote_tracks()["main_video"]
        picture = await track.recv()
        assert isinstance(picture, VideoFrame)
        print(picture.width, picture.height, picture.format.name)  # 640 360 yuv420p
        # --8<-- [end:track]
        # --8<-- [start:figures]
        stats = await reactor.get_stats()
        print(stats.rtt, stats.frames_per_second, stats.bitrate, stats.candidate_type)
        print(reactor.get_connection_timings())
        # --8<-- [end:figures]


if __name__ == "__main__":
    asyncio.run(main())
