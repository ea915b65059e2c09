"""Clips: what a server says of a part of a recording, and how a playlist of it is read. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import urljoin, urlsplit

from reactor_protocol.errors import ReactorException
from reactor_protocol.messages import ClipFailed, ClipReady
from reactor_sdk.notebook.clip_display import HoldsFile
from reactor_sdk.notebook.html import clip_html

ClipKind: TypeAlias = Literal["snap", "recording"]
"""A clip is the last seconds before it was asked for; a recording is everything until then."""

RecordingErrorCode: TypeAlias = Literal[
    "RECORDER_DISABLED",
    "INVALID_DURATION",
    "REQUEST_TIMEOUT",
    "DISCONNECTED",
    "CLIP_GONE",
    "CLIP_NOT_READY",
    "PLAYLIST_FETCH_FAILED",
    "CHUNK_FETCH_FAILED",
    "INVALID_PLAYLIST",
    "DOWNLOAD_UNSUPPORTED",
    "INTERNAL_ERROR",
]

MAX_PARTS: Final = 100_000
"""Of one playlist."""
_RECOVERABLE: Final = frozenset(
    {"REQUEST_TIMEOUT", "DISCONNECTED", "CLIP_NOT_READY", "PLAYLIST_FETCH_FAILED", "CHUNK_FETCH_FAILED"}
)
_URI = re.compile(r'URI="([^"]*)"')


class RecordingError(ReactorException):
    """A clip could not be had. ``reason`` says why in words, ``code`` is one of ``RecordingErrorCode``."""

    def __init__(self, code: RecordingErrorCode, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason, status=status)
        self.code = code
        self.reason = reason
        self.recoverable = code in _RECOVERABLE


@dataclass(frozen=True, slots=True)
class Clip(HoldsFile):
    """A part of a session's recording, which is ready soon after ``predicted_ready_at_ms`` (Unix time in milliseconds).

    Markers are in seconds of media that the model has made, not of the wall clock. ``playlist_url`` is a whole address. In a
    notebook a clip plays once it was downloaded, if its file has 8 MiB at most; before, it says what it is.
    """

    session_id: str
    kind: ClipKind
    start_marker: float
    end_marker: float
    now_marker: float
    predicted_ready_at_ms: int
    playlist_url: str

    def _repr_html_(self) -> str:
        seconds = self.end_marker - self.start_marker
        facts = f"{self.kind} of {seconds:.1f} s, from {self.start_marker:.1f} s to {self.end_marker:.1f} s"
        return clip_html(facts, self._kept, "await reactor.download_clip_as_file(clip) fetches it; a short one plays here then")


@dataclass(frozen=True, slots=True)
class ParsedPlaylist:
    """Whole addresses: of what a decoder has to know first, and of the parts in order."""

    init_url: str
    segment_urls: tuple[str, ...]


def check_duration(duration_seconds: object) -> float:
    """Raises :class:`RecordingError` (INVALID_DURATION) for anything but a number of seconds above 0."""
    number = isinstance(duration_seconds, int | float) and not isinstance(duration_seconds, bool)
    if not number or not math.isfinite(cast(float, duration_seconds)) or cast(float, duration_seconds) <= 0:
        raise RecordingError(
            "INVALID_DURATION", f"duration_seconds must be a number of seconds above 0, not {duration_seconds!r}"
        )
    return float(cast(float, duration_seconds))


def clip_of(answer: ClipReady | ClipFailed, base_url: str) -> Clip:
    """The clip of an answer, its playlist at the server where the session is. Raises :class:`RecordingError`."""
    if isinstance(answer, ClipFailed):
        raise RecordingError("RECORDER_DISABLED", answer.reason or "the server gives no reason")
    markers = (answer.start_marker, answer.end_marker, answer.now_marker)
    if answer.kind not in ("snap", "recording") or not all(math.isfinite(marker) for marker in markers):
        raise RecordingError("INTERNAL_ERROR", f"the server describes a clip that makes no sense: {answer}")
    return Clip(
        session_id=answer.session_id,
        kind=cast(ClipKind, answer.kind),
        start_marker=answer.start_marker,
        end_marker=answer.end_marker,
        now_marker=answer.now_marker,
        predicted_ready_at_ms=answer.predicted_ready_at_ms,
        playlist_url=rewrite_url_host(answer.playlist_url, base_url),
    )


def rewrite_url_host(target: str, base: str) -> str:
    """The address at scheme, host and port of ``base``: a server may not know by what name it is reached."""
    wanted, origin = urlsplit(target), urlsplit(base)
    return wanted._replace(scheme=origin.scheme, netloc=origin.netloc).geturl()


def parse_playlist(manifest_body: str, playlist_url: str) -> ParsedPlaylist:
    """The addresses in a playlist. Raises :class:`RecordingError` (INVALID_PLAYLIST)."""
    lines = [line.strip() for line in manifest_body.splitlines()]
    if not lines or lines[0] != "#EXTM3U":
        raise RecordingError("INVALID_PLAYLIST", "the answer is not an HLS playlist")
    init: str | None = None
    segments: list[str] = []
    for line in lines:
        if line.startswith("#EXT-X-MAP") and (found := _URI.search(line)):
            init = init or _absolute(found.group(1), playlist_url)
        elif line and not line.startswith("#"):
            segments.append(_absolute(line, playlist_url))
    if init is None or not segments:
        raise RecordingError("INVALID_PLAYLIST", "the playlist lists nothing that could be played")
    if len(segments) > MAX_PARTS:
        raise RecordingError("INVALID_PLAYLIST", f"the playlist lists more than {MAX_PARTS} parts")
    return ParsedPlaylist(init, tuple(segments))


def absolutize_manifest_urls(manifest_body: str, playlist_url: str) -> str:
    """The same playlist with whole addresses, so that a player may be given its text. Raises :class:`RecordingError`."""

    def line_of(line: str) -> str:
        if line.startswith("#"):
            return _URI.sub(lambda found: f'URI="{_absolute(found.group(1), playlist_url)}"', line)
        return _absolute(line, playlist_url) if line else line

    return "\n".join(line_of(line.strip()) for line in manifest_body.splitlines()) + "\n"


def _absolute(target: str, base: str) -> str:
    try:
        url = urljoin(base, target)
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise RecordingError(
            "INVALID_PLAYLIST", f"the playlist lists an address that makes no sense: {target[:200]!r}"
        ) from error
    if scheme not in ("http", "https"):
        raise RecordingError("INVALID_PLAYLIST", f"the playlist lists an address that is not HTTP: {target[:200]!r}")
    return url


def clip_from_wire(payload: Mapping[str, Any], *, coordinator_base_url: str | None = None) -> Clip:
    """The clip of the data of a ``clipReady`` message. Raises :class:`RecordingError` (INTERNAL_ERROR)."""
    try:
        answer = ClipReady(
            session_id=str(payload["session_id"]),
            kind=str(payload["kind"]),
            start_marker=float(payload["start_marker"]),
            end_marker=float(payload["end_marker"]),
            now_marker=float(payload["now_marker"]),
            predicted_ready_at_ms=int(payload["predicted_ready_at_ms"]),
            playlist_url=str(payload["playlist_url"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RecordingError("INTERNAL_ERROR", f"the server describes a clip that makes no sense: {error}") from error
    return clip_of(answer, coordinator_base_url or answer.playlist_url)
