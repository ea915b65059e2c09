"""A client and a clip as HTML, for notebooks without widgets. Pure; whatever comes from a server is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from reactor_sdk.types import Capabilities

MAX_ROWS: Final = 200
MAX_CELL_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a client at one moment. ``picture`` is a JPEG file, or None; ``hint`` says what would show more."""

    title: str
    status: str
    capabilities: Capabilities | None = None
    error: str | None = None
    picture: bytes | None = None
    hint: str | None = None


def client_html(shown: Snapshot) -> str:
    """Status, picture, tracks and commands."""
    offered = shown.capabilities
    tracks = [(track["name"], track["kind"], _flow(track["direction"])) for track in (offered["tracks"] if offered else ())]
    listed = offered.get("commands") if offered else None
    commands = [(command["name"], command.get("description", "")) for command in listed or ()]
    parts = [
        f"<p><strong>{_text(shown.title)}</strong> {_text(shown.status)}</p>",
        f"<p>{_text(shown.error)}</p>" if shown.error else "",
        _image(shown.picture) if shown.picture else "",
        _table(("track", "kind", "direction"), tracks),
        _table(("command", "what it does"), commands),
        f"<p><small>{_text(shown.hint)}</small></p>" if shown.hint else "",
    ]
    return f"<div>{''.join(parts)}</div>"


def clip_html(facts: str, mp4: bytes | None, hint: str) -> str:
    """A clip's facts, and the clip itself where its file is there."""
    if mp4 is None:
        return f"<div><p>{_text(facts)}</p><p><small>{_text(hint)}</small></p></div>"
    source = f"data:video/mp4;base64,{base64.b64encode(mp4).decode()}"
    return f'<div><video controls loop muted playsinline width="640" src="{source}"></video><p>{_text(facts)}</p></div>'


def _flow(direction: str) -> str:
    return "from the model" if direction == "recvonly" else "to the model"


def _image(jpeg: bytes) -> str:
    return f'<img alt="the newest picture of the main video" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows[:MAX_ROWS])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: object) -> str:
    shown = str(text)
    return escape(shown if len(shown) <= MAX_CELL_CHARS else shown[:MAX_CELL_CHARS] + "…")
