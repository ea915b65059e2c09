"""Studio: the model of the guides. It shows a colour, or a client's camera, with a logo that was uploaded."""

# --8<-- [start:imports]
import io
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from reactor_runtime import (
    ClientInfo,
    CommandError,
    InputField,
    InputState,
    MediaInput,
    ModelMessage,
    Output,
    ReactorApp,
    UploadedFile,
    Video,
    connected,
    event,
    session_started,
)

# --8<-- [end:imports]

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 640, 360


# --8<-- [start:tracks]
class Seen(Output):
    """What clients receive."""

    main_video: Video


class Sent(MediaInput):
    """What clients may publish."""

    camera: Video


# --8<-- [end:tracks]


# --8<-- [start:state]
class Settings(InputState):
    """Each field is a command: set_gain, set_mirror. A new session starts with the defaults."""

    gain: float = InputField(default=1.0, ge=0, le=2, description="Brightness: 1 leaves the picture as it is.")
    mirror: bool = InputField(default=False, description="Turn left and right over.")


# --8<-- [end:state]


# --8<-- [start:messages]
class ColorChanged(ModelMessage):
    """The colour is another one from the next frame on."""

    value: int


class LogoPlaced(ModelMessage):
    """A logo is in the corner."""

    width: int
    height: int


class Welcome(ModelMessage):
    """Said to a client that has joined."""

    value: int


# --8<-- [end:messages]


class Studio(ReactorApp):
    """A colour, or a client's camera, with a logo in the corner."""

    # --8<-- [start:class]
    fps = 30.0
    state: Settings
    media: Sent

    def load(self, config_path: Path | None) -> None:
        """Once, before the first session: load weights here. It may take as long as it needs."""
        self.value, self.logo, self.camera = 128, None, None

    # --8<-- [end:class]

    logo: Picture | None
    camera: Picture | None

    # --8<-- [start:hooks]
    @session_started
    def begin(self) -> None:
        """A new session finds nothing of the last one."""
        self.value, self.logo, self.camera = 128, None, None

    @connected
    async def greet(self, client: ClientInfo) -> None:
        await client.send(Welcome(value=self.value))

    # --8<-- [end:hooks]

    # --8<-- [start:command]
    @event(name="set_color", description="Choose how bright the picture is.")
    async def set_color(self, value: int = InputField(ge=0, le=255)) -> ColorChanged:
        self.value = value
        changed = ColorChanged(value=value)
        await self.send(changed)  # to everybody
        return changed  # to whoever asked

    # --8<-- [end:command]

    # --8<-- [start:upload]
    @event(name="set_logo", description="Put a picture into the corner.")
    async def set_logo(self, image: UploadedFile) -> LogoPlaced:
        try:
            with av.open(io.BytesIO(image.data), "r") as file:
                pixels = next(file.decode(video=0)).to_ndarray(format="rgb24")
        except (av.FFmpegError, StopIteration) as error:
            raise CommandError("bad_image", f"{image.name} is no picture") from error
        self.logo = np.asarray(pixels[:HEIGHT, :WIDTH], np.uint8)
        height, width = self.logo.shape[:2]
        return LogoPlaced(width=width, height=height)

    # --8<-- [end:upload]

    # --8<-- [start:steps]
    async def process_input(self) -> Picture:
        """What the next frame is made of. Reads state and tracks; commands do not run meanwhile."""
        frames = self.media.camera.try_read()  # the newest one, or None
        if frames is not None:
            self.camera = frames[-1].data  # (H, W, 3) uint8 RGB
        return self.camera if self.camera is not None else np.full((HEIGHT, WIDTH, 3), self.value, np.uint8)

    def generate(self, picture: Picture, /) -> Seen:
        """The work: here runs your network. It may block."""
        shown = np.clip(picture * self.state.gain, 0, 255).astype(np.uint8)
        if self.state.mirror:
            shown = np.ascontiguousarray(shown[:, ::-1])
        if self.logo is not None:
            height, width = self.logo.shape[:2]
            shown[:height, :width] = self.logo[: shown.shape[0], : shown.shape[1]]
        return Seen(main_video=shown)

    # --8<-- [end:steps]
