"""A program for the documented API of the published client, as it stands: no line of it is for openreactor."""

import asyncio
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack
from numpy.typing import NDArray

from reactor_sdk import Reactor, ReactorError, ReactorStatus


async def main() -> None:
    reactor = Reactor(model_name="studio", local=True)
    done = asyncio.Event()

    @reactor.on_status(ReactorStatus.READY)
    def on_ready(status: ReactorStatus) -> None:
        print("status", status.value)

    @reactor.on_message
    def on_message(message: dict[str, Any]) -> None:
        print("message", message["type"])

    @reactor.on_track("main_video")
    def on_track(track: MediaStreamTrack) -> None:
        print("track", track.kind)

    @reactor.on_error
    def on_error(error: ReactorError) -> None:
        print(error.code, error.component, error.recoverable)

    def on_frame(frame: NDArray[np.uint8]) -> None:
        done.set()

    reactor.set_frame_callback(on_frame)
    await reactor.connect()
    await reactor.send_command("set_color", {"value": 200})
    await done.wait()
    print(reactor.get_state().status.value, sorted(reactor.get_remote_tracks()))
    await reactor.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
