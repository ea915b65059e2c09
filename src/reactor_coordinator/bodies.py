"""Bodies of requests: only JSON that every reader reads alike, and that every database and log can hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

_SUSPECT: Final = re.compile(rb"\\u0000|[0-9][eE]\+?[0-9]{3}|[0-9]{200}")
"""What a body holds that has a null character or a number beyond all bounds, and hardly any other."""


def parse(body: bytes) -> Any:
    """The value that a JSON text stands for; where a name stands twice in an object, its last value.

    Raises ValueError, with a text that repeats nothing of it, for what is not JSON (RFC 8259), holds half a character (a lone
    surrogate) or a null character, a number that is not finite or has more than 4,300 digits, or is nested deeper than 200.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"the body is not JSON that can be used: {error}") from error
    if _SUSPECT.search(body):
        _check(value)
    return value


def _check(value: object) -> None:
    match value:
        case dict():
            for name, each in value.items():
                _check(name)
                _check(each)
        case list():
            for each in value:
                _check(each)
        case str() if "\x00" in value:
            raise ValueError("the body holds a null character: leave it out")
        case float() if not math.isfinite(value):
            raise ValueError("the body holds a number that is too large")


class StrictRoute(APIRoute):
    """A route whose body is read by :func:`parse`; 400 says why it could not be."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return parse(await self.body())
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
