"""The model in short, in the shape that the JavaScript client 2.9 makes its forms of."""

from enum import Enum
from typing import Literal

from tests.reactor_runtime.runtime_support import opened

from reactor_protocol.messages import RequestCapabilities, RuntimeMessage
from reactor_runtime import Audio, InputField, InputState, MediaInput, Output, ReactorApp, UploadedFile, Video, event
from reactor_runtime.contract import read_contract
from reactor_runtime.description import describe_model
from reactor_runtime.loader import LoadedModel
from reactor_runtime.model_capabilities import model_capabilities


class Pace(Enum):
    SLOW = "slow"
    FAST = "fast"


class Camera(MediaInput):
    camera: Video


class Seen(Output):
    main_video: Video
    main_audio: Audio


class Settings(InputState):
    shade: int = InputField(default=10, ge=0, le=255, description="How bright.")
    mood: Literal["calm", "wild"] = "calm"


class Sky(ReactorApp):
    state: Settings
    media: Camera

    def generate(self, input: object, /) -> Seen:
        raise NotImplementedError

    @event(name="go", description="Goes.")
    def go(
        self, far: float, pace: Pace, note: str | None = None, loud: bool = False, file: UploadedFile | None = None
    ) -> None: ...


def test_each_command_is_a_flat_form() -> None:
    told = model_capabilities(describe_model(LoadedModel(Sky, read_contract(Sky))))
    assert told == {
        "commands": [
            {
                "name": "go",
                "description": "Goes.",
                "schema": {
                    "far": {"type": "number", "required": True},
                    "pace": {"type": "string", "enum": ["slow", "fast"], "required": True},
                    "note": {"type": "string", "default": None, "required": False},
                    "loud": {"type": "boolean", "default": False, "required": False},
                    "file": {"type": "object", "default": None, "required": False},
                },
            },
            {
                "name": "set_shade",
                "description": "How bright.",
                "schema": {
                    "shade": {
                        "type": "integer",
                        "description": "How bright.",
                        "minimum": 0,
                        "maximum": 255,
                        "default": 10,
                        "required": False,
                    }
                },
            },
            {
                "name": "set_mood",
                "description": "Set mood.",
                "schema": {"mood": {"type": "string", "enum": ["calm", "wild"], "default": "calm", "required": False}},
            },
        ],
        "tracks": [
            {"name": "camera", "kind": "video", "direction": "sendonly"},
            {"name": "main_video", "kind": "video", "direction": "recvonly"},
            {"name": "main_audio", "kind": "audio", "direction": "recvonly"},
        ],
    }


async def test_it_is_given_on_request() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()

        def told() -> list[RuntimeMessage]:
            found = [message for message in visitor.received if isinstance(message, RuntimeMessage)]
            return [message for message in found if message.type == "modelCapabilities"]

        visitor.say(RequestCapabilities())
        await visitor.changes.until(told)
        (message,) = told()
        assert [each["name"] for each in message.data["commands"]][:1] == ["set_level"]
        assert {"name": "main", "kind": "video", "direction": "recvonly"} in message.data["tracks"]
