"""Routers for pages and what they are made of: files of this package, read when they are asked for.

Whoever serves a page says where it stands and which folder of ``static/`` it is made of; nothing outside of that folder, and of
the style that all pages share, can be asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from reactor_pages.media import MEDIA_TYPES
from reactor_protocol.errors import NotFoundError

MAX_SAMPLE_BYTES: Final = 512 * 1024 * 1024
"""Limit of one sample clip: what is larger is not served."""

SHARED: Final = ("theme.css",)
"""Files beside the folders, which all of them have."""

_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.(html|css|js|svg)")
_GUARDED: Final[Mapping[str, str]] = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_LOCAL: Final = b'<meta name="reactor-mode" content="local">'


def policy(connect: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of all pages: scripts, styles and media of the same origin alone.

    ``connect`` are further origins that its requests may go to, such as a store that takes uploads.
    """
    to = " ".join(("'self'", *connect))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        f"connect-src {to}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page(path: str, folder: str, *, mode: str = "local", connect: Sequence[str] = ()) -> APIRouter:
    """The ``index.html`` of a folder, at ``path``. ``mode`` is what the page finds in ``<meta name="reactor-mode">``."""
    router = APIRouter(include_in_schema=False)

    @router.api_route(path, methods=["GET", "HEAD"], name=f"page of {folder}")
    def index(request: Request) -> Response:
        """The page."""
        told = f'<meta name="reactor-mode" content="{mode}">'.encode()
        return _answer(request, _read(folder, "index.html").replace(_LOCAL, told), ".html", policy(connect))

    return router


def assets(prefix: str, folder: str) -> APIRouter:
    """The files of a folder, at ``prefix/NAME``. Raises :class:`NotFoundError` for what is not one of them."""
    router = APIRouter(prefix=prefix, include_in_schema=False)

    @router.api_route("/{name}", methods=["GET", "HEAD"], name=f"assets of {folder}")
    def asset(name: str, request: Request) -> Response:
        """One file."""
        return _answer(request, _read(folder, name), Path(name).suffix, policy())

    return router


def sample_clips(prefix: str, clips: Mapping[str, Path]) -> APIRouter:
    """Clips that a model's author offers as inputs, at ``prefix/NAME``, in ranges where they are asked for so.

    Raises :class:`NotFoundError` for any other name, and for a file that is gone, is no video or sound, or is too large.
    """
    router = APIRouter(prefix=prefix, include_in_schema=False)

    @router.api_route("/{name}", methods=["GET", "HEAD"], name="samples")
    def clip(name: str) -> Response:
        """One clip."""
        file = clips.get(name)
        media_type = MEDIA_TYPES.get(Path(name).suffix.lower())
        if file is None or media_type is None or not file.is_file() or file.stat().st_size > MAX_SAMPLE_BYTES:
            raise NotFoundError("no such sample clip")
        return FileResponse(file, media_type=media_type, headers={**_GUARDED, "Cache-Control": "no-cache"})

    return router


def _read(folder: str, name: str) -> bytes:
    # One segment of plain characters: a name cannot lead out of its folder.
    if not _NAME.fullmatch(name):
        raise NotFoundError("no such file")
    static: Traversable = files("reactor_pages") / "static"
    file = static / name if name in SHARED else static / folder / name
    if not file.is_file():
        raise NotFoundError("no such file")
    return file.read_bytes()


def _answer(request: Request, body: bytes, suffix: str, content_policy: str) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_GUARDED, "ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": content_policy}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_TYPES[suffix], headers=headers)
