"""Publish a camera, a file, or pictures of your own."""

import asyncio
import sys

from aiortc import VideoStreamTrack
from aiortc.contrib.media import MediaPlayer
from av import VideoFrame

from reactor_sdk import Reactor

# --8<-- [start:cameras]
CAMERAS = {  # what the machine calls its first camera
    "linux": ("/dev/video0", "v4l2"),
    "darwin": ("default:none", "avfoundation"),
    "win32": ("video=Integrated Camera", "dshow"),
}


def open_camera() -> MediaPlayer:
    file, kind = CAMERAS[sys.platform]
    return MediaPlayer(file, format=kind, options={"video_size": "640x480", "framerate": "30"})


# --8<-- [end:cameras]


# --8<-- [start:publish]
async def main(player: MediaPlayer) -> None:
    camera = player.video
    assert camera is not None, "it has no picture"
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        await reactor.publish_track("camera", camera)
        async for frame in reactor.frames():
            print(frame.shape)  # what the model made of it
            break
        await reactor.unpublish_track("camera")
    camera.stop()  # gives the camera back


# --8<-- [end:publish]


# --8<-- [start:pictures]
class Countdown(VideoStreamTrack):
    """Pictures of your own: recv() is asked for the next one."""

    left = 250

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()  # 30 a second
        self.left = max(0, self.left - 1)
        frame = VideoFrame(320, 240, "gray")
        frame.planes[0].update(bytes([self.left]) * frame.planes[0].buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


# --8<-- [end:pictures]


async def publish_countdown() -> None:
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        await reactor.publish_track("camera", Countdown())
        async for frame in reactor.frames():
            if frame.shape == (240, 320, 3):
                break


if __name__ == "__main__":
    asyncio.run(main(open_camera()))
