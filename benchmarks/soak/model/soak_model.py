"""The model of the soak: a moving picture with sound, a camera that it shows in a corner, and a state that clients set."""

import numpy as np
import numpy.typing as npt

from reactor_runtime import Audio, CommandError, Input, InputField, InputState, ModelMessage, Output, ReactorModel, Video, event

Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360
FPS = 30
RATE = 48_000


class Cameras(Input):
    """What a viewer may publish."""

    camera: Video


class Screen(Output):
    """What all viewers get."""

    main_video: Video
    main_audio: Audio


class Look(InputState):
    """What clients set."""

    level: int = InputField(90, ge=0, le=255)


class Seen(ModelMessage):
    """The answer to ``see``: how many frames of cameras have arrived."""

    frames: int


class SoakModel(ReactorModel):
    """A bar that moves over a flat picture, and a tone."""

    fps = float(FPS)
    state: Look
    inputs: Cameras

    async def run(self) -> None:
        """Emit for as long as somebody is connected."""
        number = 0
        samples = np.arange(RATE // FPS)
        corner: Picture = np.zeros((90, 160, 3), np.uint8)
        while True:
            await self.connected.wait()
            number += 1
            picture = np.full((HEIGHT, WIDTH, 3), self.state.level if self.state else 0, np.uint8)
            picture[:, number * 4 % WIDTH :][:, :24] = 230
            frames = self.inputs.camera.try_read()
            if frames:
                shown = frames[-1].data
                rows = np.linspace(0, shown.shape[0] - 1, 90).astype(int)
                columns = np.linspace(0, shown.shape[1] - 1, 160).astype(int)
                corner = shown[rows[:, None], columns]
            picture[:90, :160] = corner
            tone = (4_000 * np.sin(2 * np.pi * 300 * (samples + number * len(samples)) / RATE)).astype(np.int16)
            await self.emit(Screen(main_video=picture, main_audio=tone))

    @event(name="see")
    def see(self) -> Seen:
        """Tells of the camera."""
        return Seen(self.inputs.camera.total_received)

    @event(name="refuse")
    def refuse(self) -> None:
        """Is always refused."""
        raise CommandError("not_now", "Ask me later.")
