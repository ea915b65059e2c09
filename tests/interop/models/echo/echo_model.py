"""The model of the interop suite: one file in the published authoring style, served by our runtime and the published.

Its picture has two halves: the upper one is a colour that a command sets, the lower one is what the camera shows. So
one look at a frame tells apart what a command did from what a published track did. The upper colour also goes with each
picture as metadata, and what came with the camera's last picture is told by a command.
"""

import hashlib
from typing import cast

import numpy as np
import numpy.typing as npt

from reactor_runtime import (
    CommandError,
    Input,
    InputBuffer,
    InputField,
    ModelMessage,
    Output,
    ReactorModel,
    TrackPayload,
    UploadedFile,
    Video,
    event,
    session_started,
)

Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 320, 240


class Cameras(Input):
    camera: Video


class Screen(Output):
    main_video: Video


class ColorSet(ModelMessage):
    red: int
    green: int
    blue: int


class FileDescribed(ModelMessage):
    file_name: str
    mime_type: str
    size: int
    sha256: str


class CameraDescribed(ModelMessage):
    frames: int
    red: int
    green: int
    blue: int
    tag: str


class Echo(ReactorModel):
    fps = 25.0
    inputs: Cameras

    def __init__(self) -> None:
        super().__init__()
        self._begin()

    @session_started
    async def begin(self) -> None:
        """A process serves one session after the other; nothing of one may be seen in the next."""
        self._begin()

    def _begin(self) -> None:
        self._color = (200, 40, 40)
        self._camera: Picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        self._camera_frames = 0
        self._tag = b""

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            self._look_at_camera()
            await self.emit(Screen(main_video=TrackPayload(self._picture(), metadata={"upper": list(self._color)})))

    def _look_at_camera(self) -> None:
        # The annotation declares a track; what stands there at run time is the buffer of its frames.
        buffer = cast(InputBuffer, self.inputs.camera)
        frames = buffer.try_read()
        if frames:
            self._camera = frames[-1].data
            self._camera_frames += 1
            self._tag = frames[-1].metadata or b""

    def _picture(self) -> Picture:
        picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        picture[: HEIGHT // 2] = self._color
        rows = np.linspace(0, self._camera.shape[0] - 1, HEIGHT - HEIGHT // 2).astype(int)
        columns = np.linspace(0, self._camera.shape[1] - 1, WIDTH).astype(int)
        picture[HEIGHT // 2 :] = self._camera[rows[:, None], columns]
        return picture

    @event(name="set_color", description="Paints the upper half of the picture.")
    async def set_color(
        self,
        red: int = InputField(ge=0, le=255),
        green: int = InputField(ge=0, le=255),
        blue: int = InputField(0, ge=0, le=255),
    ) -> ColorSet:
        self._color = (red, green, blue)
        return ColorSet(red=red, green=green, blue=blue)

    @event(name="describe_file", description="Tells what arrived of an upload.")
    async def describe_file(self, file: UploadedFile) -> FileDescribed:
        digest = hashlib.sha256(file.data).hexdigest()
        return FileDescribed(file_name=file.name, mime_type=file.mime_type, size=file.size, sha256=digest)

    @event(name="describe_camera", description="Tells what the camera shows.")
    async def describe_camera(self) -> CameraDescribed:
        red, green, blue = (int(channel) for channel in self._camera.mean(axis=(0, 1)))
        return CameraDescribed(frames=self._camera_frames, red=red, green=green, blue=blue, tag=self._tag.decode())

    @event(name="refuse", description="Is refused by the model itself.")
    async def refuse(self) -> None:
        raise CommandError("not_now", "Ask me later.")
