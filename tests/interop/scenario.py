"""The one scenario that every client performs, what each step has to show, and where a client differs, with the reason.

A driver in the client's own language gets ``SCRIPT`` and performs its steps; it prints one JSON observation for each. What a
client cannot do the driver finds out from the package itself and prints as ``{"cannot": NAME}``; that, too, is a literal here.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.interop.observations import AnyId, Near, Within

RED, GREEN, YELLOW = (200, 40, 40), (30, 160, 60), (170, 170, 40)
BLUE, GREY, PURPLE = (40, 60, 200), (90, 90, 90), (150, 40, 150)

STEPS = (
    "connect",
    "picture",
    "command",
    "refusals",
    "upload",
    "publish",
    "pause",
    "resume",
    "clip",
    "come_back",
    "disconnect",
)

SCRIPT: dict[str, Any] = {
    "model": "interop-echo",
    "steps": STEPS,
    "step_seconds": 20.0,
    "quiet_seconds": 0.5,
    "near": 30,
    "first": RED,
    "command": GREEN,
    "paused": YELLOW,
    "camera": BLUE,
    "left": GREY,
    "returned": PURPLE,
    "tag": "a tag",
    "file": {"name": "note.txt", "mime_type": "text/plain", "line": "one file, two runtimes\n", "times": 500},
    "clip_seconds": 0.5,
    "mistakes": {
        "unknown": ["no_such_command", {}],
        "type": ["set_color", {"red": "x", "green": 1}],
        "range": ["set_color", {"red": 256, "green": 1}],
        "fraction": ["set_color", {"red": 1.5, "green": 1}],
        "missing": ["set_color", {"red": 1}],
        "by the model": ["refuse", {}],
    },
}

ZERO_SESSION = "00000000-0000-0000-0000-000000000000"


def color_set(color: tuple[int, int, int], number: type[int] | type[float] = int) -> dict[str, Any]:
    """What the model says when it has set a colour."""
    red, green, blue = (number(channel) for channel in color)
    return {"type": "color_set", "data": {"red": red, "green": green, "blue": blue}}


def camera_described(tag: str) -> dict[str, Any]:
    seen = {"frames": Within(1, 10_000), "red": Within(10, 70), "green": Within(30, 90), "blue": Within(170, 230), "tag": tag}
    return {"type": "camera_described", "data": seen}


def file_described(number: type[int] | type[float] = int) -> dict[str, Any]:
    """What the model says of the file that every client uploads."""
    digest = "b267b3a83859dfaa626bb2d09fc34ec37a34fe3121a15d5f383ef3beb992345b"
    told = {"file_name": "note.txt", "mime_type": "text/plain", "size": number(11500), "sha256": digest}
    return {"type": "file_described", "data": told}


EXPECTED: dict[str, dict[str, Any]] = {
    "connect": {
        "statuses": ["connecting", "waiting", "ready"],
        "status_at_return": "ready",
        "session_id": AnyId(),
        "tracks": [
            {"name": "camera", "kind": "video", "direction": "sendonly"},
            {"name": "main_video", "kind": "video", "direction": "recvonly"},
        ],
    },
    "picture": {"track": "main_video", "size": [320, 240], "upper": Near(RED), "first_after": Within(0.0, 10.0)},
    "command": {"answer": color_set(GREEN), "answer_is": "returned", "upper": Near(GREEN)},
    "refusals": {
        "codes": {
            "unknown": "invalid_command",
            "type": "invalid_command",
            "range": "invalid_command",
            "fraction": "invalid_command",
            "missing": "invalid_command",
            "by the model": "not_now",
        },
        "next_answer": color_set(GREEN),
    },
    "upload": {"reference": {"name": "note.txt", "mime_type": "text/plain", "size": 11500}, "answer": file_described()},
    "publish": {"lower": Near(BLUE), "answer": camera_described("")},
    "pause": {"answer": color_set(YELLOW), "frames": 0},
    "resume": {"upper": Near(YELLOW)},
    "clip": {"asked_by": "a method", "kind": "snap", "of_this_session": True, "seconds": Within(0.4, 0.502)},
    "come_back": {
        "statuses": ["disconnected", "ready"],
        "same_session": True,
        "kept": Near(GREY),
        "answer": color_set(PURPLE),
        "upper": Near(PURPLE),
    },
    "disconnect": {"status": "disconnected", "session_id": None, "errors": []},
}
"""What every client shows on every server of ours, but for what is below."""


@dataclass(frozen=True)
class Differs:
    """One key of one step, or a whole step (``key`` None), that is otherwise with some client or server."""

    step: str
    key: str | None
    wanted: Any
    because: str


NOTHING_TOLD = dict.fromkeys(SCRIPT["mistakes"])
SILENT = Differs("refusals", "codes", NOTHING_TOLD, "wire version v0 acknowledges nothing, so nobody hears")
EVENT = Differs("command", "answer_is", "an event", "wire version v0 correlates nothing: the reply is a message like any other")


def in_floats(because: str) -> tuple[Differs, ...]:
    """The numbers in all answers are floats."""
    return (
        Differs("command", "answer", color_set(GREEN, float), because),
        Differs("refusals", "next_answer", color_set(GREEN, float), because),
        Differs("upload", "answer", file_described(float), because),
        Differs("pause", "answer", color_set(YELLOW, float), because),
        Differs("come_back", "answer", color_set(PURPLE, float), because),
    )


OF_CLIENT: Mapping[str, tuple[Differs, ...]] = {
    "0.8.0": (
        Differs("connect", "status_at_return", "waiting", "its connect() returns when the answer has been taken, before READY"),
        SILENT,
        EVENT,
    ),
    "1.13.0": (
        *in_floats("wire version v1 knows no other numbers (google.protobuf.Struct)"),
        Differs("publish", "answer", camera_described("a tag"), "of these clients it alone sends metadata with frames"),
    ),
    "2.9.0": (
        Differs("connect", "status_at_return", "waiting", "its connect() returns when the answer has been taken, before ready"),
        SILENT,
        EVENT,
        Differs("pause", None, {"cannot": "pauseTrack"}, "no method, and the legacy connection has no control channel"),
        Differs("resume", None, {"cannot": "resumeTrack"}, "the same"),
        Differs("clip", "asked_by", "a runtime message", "no method, but its sendCommand() takes the scope 'runtime'"),
    ),
    "ours": (),
}

NO_REAL_SESSION = "it gives every session the zero id, and a recording an id of its own"
OF_PUBLISHED_RUNTIME: tuple[Differs, ...] = (
    SILENT,
    EVENT,
    *in_floats("it turns every int of a command into a float"),
    Differs("connect", "session_id", ZERO_SESSION, NO_REAL_SESSION),
    Differs("clip", "of_this_session", False, NO_REAL_SESSION),
)


@dataclass(frozen=True)
class Pairing:
    """A client, by its version, and the server that it visits: ``runtime``, ``coordinator`` or ``published-runtime``."""

    client: str
    server: str

    def __str__(self) -> str:
        return f"{self.client}-on-{self.server}"

    def expected(self, step: str) -> dict[str, Any]:
        """What this client shows in a step on this server."""
        wanted = deepcopy(EXPECTED[step])
        for differs in (*OF_CLIENT[self.client], *(OF_PUBLISHED_RUNTIME if self.server == "published-runtime" else ())):
            if differs.step != step:
                continue
            if differs.key is None:
                wanted = dict(differs.wanted)
            else:
                wanted[differs.key] = differs.wanted
        return wanted


PAIRINGS = [
    Pairing("0.8.0", "runtime"),
    Pairing("1.13.0", "runtime"),
    Pairing("2.9.0", "runtime"),
    Pairing("ours", "published-runtime"),
    Pairing("0.8.0", "coordinator"),
    Pairing("2.9.0", "coordinator"),
    Pairing("ours", "coordinator"),
]
CONTROL = Pairing("0.8.0", "published-runtime")
"""The published pair, which tells a fault of the harness from a fault of ours."""
