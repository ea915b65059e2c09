"""The wire protocol as Markdown: what the codecs make of one sample of each message, and the tables of names and errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

from reactor_protocol import names
from reactor_protocol.codec import JSON_CODEC
from reactor_protocol.codec_v1 import PROTOBUF_CODEC
from reactor_protocol.errors import ReactorException
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    ClientStats,
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestCapabilities,
    RequestClip,
    RequestRecording,
    RequestSchema,
    RequestStep,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    StepResult,
    UnpublishTrack,
)
from website.docstrings import markdown

_FILE: Final = FileRef("7f3c", "logo.png", "image/png", 5120)

SAMPLES: Final[tuple[Any, ...]] = (
    Command("set_color", {"value": 200}),
    Command("set_logo", {}, {"image": _FILE}),
    Command("set_color", {"value": 200}, request_id="7"),
    Ping(),
    RequestSchema(),
    RequestCapabilities(),
    FileUploaded(_FILE),
    RequestClip(5.0),
    RequestRecording(),
    PublishTrack("ctrl_1", "camera"),
    UnpublishTrack("camera"),
    PauseTrack("main_video"),
    ResumeTrack("main_video"),
    RequestStep("3"),
    ClientStats(),
    ApplicationMessage("color_changed", {"value": 200}),
    CommandResult("7", ApplicationMessage("color_changed", {"value": 200}), frame=41),
    CommandResult("7", error=Refusal("invalid_command", "value: 999 > le(255)")),
    PublishResult("ctrl_1"),
    PublishResult("ctrl_1", Refusal("publish_refused", "another client publishes camera")),
    ClipReady("0f4e", "snap", 12.0, 17.0, 17.2, 1_750_000_000_000, "/clips?session_id=0f4e&start=12.0&end=17.0"),
    ClipFailed("RECORDER_DISABLED"),
    RuntimeMessage("moderation", {"action": "warn", "input_kind": "text", "command": "say", "categories": [], "message": "..."}),
    SessionEnded("stopped"),
    StepResult("3", 1),
)
"""One of each message, two where it has two looks."""


def v0_messages() -> str:
    """Every message that v0 can say, as it stands on the channel."""
    return "\n\n".join((*_v0("Client to server", get_args(ClientMessage)), *_v0("Server to client", get_args(ServerMessage))))


def _v0(heading: str, kinds: Iterable[type[Any]]) -> Iterator[str]:
    yield f"### {heading}"
    for kind in kinds:
        samples = [each for each in SAMPLES if type(each) is kind]
        if not samples:
            raise LookupError(f"{kind.__name__} has no sample: add one to SAMPLES")
        frames = [JSON_CODEC.encode(each) for each in samples if JSON_CODEC.can_say(each)]
        if not frames:
            continue
        yield f"**{kind.__name__}**, on the channel `{frames[0].label}`. {_first_sentence(kind)}"
        yield "\n".join(["```json", *(_compact(str(each.payload)) for each in frames), "```"])


def _compact(payload: str) -> str:
    return json.dumps(json.loads(payload), ensure_ascii=False)


def v1_only() -> str:
    """The messages that only v1 can say."""
    kinds = (*get_args(ClientMessage), *get_args(ServerMessage))
    only = [kind for kind in kinds if not _says(JSON_CODEC, kind) and _says(PROTOBUF_CODEC, kind)]
    return "\n".join(f"- **{kind.__name__}**: {_first_sentence(kind)}" for kind in only)


def _says(codec: Any, kind: type) -> bool:
    return any(codec.can_say(each) for each in SAMPLES if type(each) is kind)


def limits() -> str:
    """Sizes and times that both ends agree on."""
    rows = [
        ("one message of v0", f"{names.MAX_MESSAGE_BYTES // 1024} KiB of UTF-8"),
        ("one fragment of a message that is sent in parts", f"{names.CHUNK_BYTES // 1024} KiB, its flag byte included"),
        ("such a message in all", f"{names.MAX_CHUNKED_BYTES // 1024} KiB"),
        ("the same in a stepped session", f"{names.MAX_STEPPED_BYTES // 1024**2} MiB"),
        ("between two pings of a client", f"{names.PING_INTERVAL_S:g} s"),
        ("a client that says nothing is given up after", f"{names.PING_TIMEOUT_S:g} s"),
        ("a request on the control channel", f"{names.CONTROL_TIMEOUT_S:g} s"),
        ("a command", f"{names.COMMAND_TIMEOUT_S:g} s"),
        ("a command waits for the bytes of its files", f"{names.UPLOAD_WAIT_S:g} s"),
        ("the reason that ends a session", f"{names.MAX_REASON_CHARS} characters"),
        (
            "ids of connections",
            f"{names.FIRST_CONNECTION_ID} to {names.LAST_CONNECTION_ID}; {names.LEGACY_CONNECTION_ID}: legacy",
        ),
    ]
    return table(("what", "how much"), rows)


def error_table() -> str:
    """The tree of exceptions as a table, parents before their children."""
    rows = [
        (
            "&nbsp;" * 4 * depth + f"[`{kind.__name__}`][reactor_protocol.errors.{kind.__name__}]",
            _code(kind),
            _status(kind),
            _again(kind),
        )
        for depth, kind in _tree(ReactorException, 0)
    ]
    return table(("exception", "`code`", "`status`", "`recoverable`"), rows)


def _tree(kind: type[ReactorException], depth: int) -> Iterator[tuple[int, type[ReactorException]]]:
    yield depth, kind
    for child in kind.__subclasses__():
        if child.__module__ == ReactorException.__module__:
            yield from _tree(child, depth + 1)


def _code(kind: type[ReactorException]) -> str:
    return f"`{kind.code}`" if "code" in vars(kind) else ""


def _status(kind: type[ReactorException]) -> str:
    return str(kind.status) if kind.status is not None and "status" in vars(kind) else ""


def _again(kind: type[ReactorException]) -> str:
    return "yes" if kind.recoverable else ""


def _first_sentence(kind: type) -> str:
    text = markdown(" ".join((kind.__doc__ or "").split("\n\n")[0].split()))
    return text.partition(". ")[0].rstrip(".") + "."


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [f"| {' | '.join(each)} |" for each in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines)
