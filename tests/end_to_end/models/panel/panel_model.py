"""A model with every kind of control, whose picture shows what it was told: twelve squares of 80x80, one for each thing."""

from typing import Final, Literal, cast

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
    UploadedFile,
    Video,
    event,
    session_started,
)

SIDE: Final = 80
SQUARES: Final = ("level", "mode", "scene", "mirror", "tint", "title", "prompt", "points", "image", "steer", "gas", "camera")
SCENES: Final = ("beach", "canyon", "desert", "forest", "harbour", "mountain")

Colour = npt.NDArray[np.uint8]


def grey(level: float) -> Colour:
    return np.full(3, max(0, min(255, round(level))), np.uint8)


class Picture(Output):
    main_video: Video


class Camera(Input):
    camera: Video


class Tuned(ModelMessage):
    """What the tuning is now."""

    gain: float
    offset: int
    note: str


class Shouted(ModelMessage):
    """Said to everybody, whoever asked."""

    words: str


class State(ModelMessage):
    """How the controls stand, as the model sees it."""

    level: int


class Seen(ModelMessage):
    """The camera's newest picture: its size, and the mean colour of its four corners, row by row."""

    width: int
    height: int
    corners: list[list[int]]


def seen(picture: Colour) -> Seen:
    height, width = picture.shape[:2]
    rows, columns = (slice(0, height // 4), slice(-height // 4, None)), (slice(0, width // 4), slice(-width // 4, None))
    corners = [[round(float(level)) for level in picture[y, x].mean(axis=(0, 1))] for y in rows for x in columns]
    return Seen(width=width, height=height, corners=corners)


class Panel(ReactorModel):
    """Shows what it was told."""

    fps = 20
    inputs: Camera

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, Colour] = {}
        self.camera: Colour | None = None

    @session_started
    def start(self) -> None:
        self.shown = {}

    @event(name="set_level", description="How bright the first square is.")
    def set_level(self, level: int = InputField(0, ge=0, le=255, description="0 is black, 255 is white.")) -> None:
        self.shown["level"] = grey(level)

    @event(name="set_mode")
    def set_mode(self, mode: Literal["off", "dim", "bright"] = "off") -> None:
        self.shown["mode"] = grey({"off": 0, "dim": 100, "bright": 220}[mode])

    @event(name="set_scene", description="Where it plays.")
    def set_scene(self, scene: Literal["beach", "canyon", "desert", "forest", "harbour", "mountain"] = "beach") -> None:
        self.shown["scene"] = grey(40 * SCENES.index(scene))

    @event(name="set_mirror")
    def set_mirror(self, mirror: bool = False) -> None:
        self.shown["mirror"] = grey(220 * mirror)

    @event(name="set_tint")
    def set_tint(self, tint: str = InputField("#203040", min_length=7, max_length=7)) -> None:
        self.shown["tint"] = np.frombuffer(bytes.fromhex(tint[1:]), np.uint8)

    @event(name="set_title")
    def set_title(self, title: str = InputField(min_length=2, max_length=12)) -> None:
        self.shown["title"] = grey(20 * len(title))

    @event(name="set_prompt", description="What to show; the longer, the brighter.")
    def set_prompt(self, prompt: str = InputField("", max_length=400)) -> None:
        self.shown["prompt"] = grey(10 * len(prompt))

    @event(name="set_points")
    def set_points(self, points: list[int]) -> None:
        self.shown["points"] = grey(sum(points))

    @event(name="set_image", description="Red, green and blue bytes; their mean colour is shown.")
    def set_image(self, image: UploadedFile) -> None:
        self.shown["image"] = np.frombuffer(image.data, np.uint8).reshape(-1, 3).mean(axis=0).astype(np.uint8)

    @event(name="tune", description="Several values that belong together.")
    def tune(
        self,
        gain: float = 1.0,
        offset: int = InputField(0, ge=-10, le=10, description="Where it begins."),
        note: str | None = InputField(None, max_length=20),
    ) -> Tuned:
        return Tuned(gain=gain, offset=offset, note=note if note is not None else "nothing")

    @event(name="drive", description="Steers with the arrow keys, drives with W.")
    def drive(self, steer: float = InputField(0.0, ge=-1, le=1), gas: float = InputField(0.0, ge=0, le=1)) -> None:
        self.shown["steer"] = grey(128 + 127 * steer)
        self.shown["gas"] = grey(255 * gas)

    @event(name="shout", description="Has the model say something.")
    async def shout(self) -> None:
        await self.send(Shouted(words="hello, everybody"))

    @event(name="look", description="What the camera shows.")
    def look(self) -> Seen:
        if self.camera is None:
            raise CommandError("dark", "nothing has come from the camera")
        return seen(self.camera)

    @event(name="reset", description="All squares are black again.")
    async def reset(self) -> None:
        self.shown = {}
        await self.send(State(level=0))

    @event(name="break_down")
    def break_down(self) -> None:
        raise CommandError("too_hot", "the lamp is too hot: wait a minute")

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            camera = cast(InputBuffer, self.inputs.camera)
            for frame in camera.try_read() or []:
                self.camera = frame.data
                self.shown["camera"] = frame.data.mean(axis=(0, 1)).astype(np.uint8)
            await self.emit(Picture(main_video=self.picture()))

    def picture(self) -> npt.NDArray[np.uint8]:
        colours = np.array([self.shown.get(name, grey(0)) for name in SQUARES], np.uint8).reshape(3, 4, 3)
        return colours.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
