"""``google.protobuf.Struct`` to the values of JSON and back.

A Struct has one type of number, the double. An integral one becomes an int here, so that an int that was sent arrives as an int,
however deep it stands; where a float is wanted, an int will do. Beyond 2**53 a double does not tell integers apart, and stays
a float.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import JsonObject
from reactor_protocol.plain import key_text, plain
from reactor_protocol.protobuf import (
    BYTES,
    VARINT,
    Budget,
    Kind,
    read_double,
    read_entry,
    read_text,
    read_varint,
    sized,
    skip,
    span,
    write_double,
    write_text,
)

MAX_DEPTH: Final = 32
"""Limit of objects and lists inside one another: a Struct spends three messages on each, and readers refuse more than 100."""

_EXACT: Final = 2.0**53
_NULL: Final = 0x08
_BOOL: Final = 0x20


def read_struct(data: bytes, pos: int, end: int, budget: Budget) -> JsonObject:
    """The object that fills a span. Raises :class:`DecodeError`."""
    return _read_struct(data, pos, end, budget, 1)


def write_struct(value: Mapping[str, Any]) -> bytes:
    """The bytes of an object. Raises :class:`DecodeError` when its data is not JSON (NaN included)."""
    return _write_struct(value, 1)


STRUCT: Final = Kind(BYTES, read_struct, write_struct)


# ---------------------------------------------------------------------------------------------------------- reading


def _read_struct(data: bytes, pos: int, end: int, budget: Budget, depth: int) -> JsonObject:
    _check_depth(depth)
    out: JsonObject = {}
    while pos < end:
        budget.spend()
        tag, pos = read_varint(data, pos, end)
        if tag != 0x0A:
            pos = skip(data, pos, end, tag & 7)
            continue
        start, pos = span(data, pos, end, BYTES)
        name, begins, stops = read_entry(data, start, pos, budget)
        out[name] = _read_value(data, begins, stops, budget, depth)
    return out


def _read_list(data: bytes, pos: int, end: int, budget: Budget, depth: int) -> list[Any]:
    _check_depth(depth)
    out: list[Any] = []
    while pos < end:
        budget.spend()
        tag, pos = read_varint(data, pos, end)
        if tag != 0x0A:
            pos = skip(data, pos, end, tag & 7)
            continue
        start, pos = span(data, pos, end, BYTES)
        out.append(_read_value(data, start, pos, budget, depth))
    return out


def _read_value(data: bytes, pos: int, end: int, budget: Budget, depth: int) -> Any:
    """The last member of the oneof; a value without any is null."""
    value: Any = None
    while pos < end:
        budget.spend()
        tag, pos = read_varint(data, pos, end)
        if tag & 7 == VARINT:
            number, pos = read_varint(data, pos, end)
            if tag in (_NULL, _BOOL):
                value = number != 0 if tag == _BOOL else None
            continue
        start, pos = span(data, pos, end, tag & 7)
        match tag:
            case 0x11:
                value = _number(read_double(data, start))
            case 0x1A:
                value = read_text(data, start, pos)
            case 0x2A:
                value = _read_struct(data, start, pos, budget, depth + 1)
            case 0x32:
                value = _read_list(data, start, pos, budget, depth + 1)
            case _:
                pass
    return value


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise DecodeError(f"{value} is not a number that a command could carry")
    return int(value) if value.is_integer() and -_EXACT <= value <= _EXACT else value


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise DecodeError(f"more than {MAX_DEPTH} objects and lists inside one another")


# ---------------------------------------------------------------------------------------------------------- writing


def _write_struct(value: Mapping[str, Any], depth: int) -> bytes:
    _check_depth(depth)
    parts: list[bytes] = []
    for name, item in value.items():
        key = b"\x0a" + sized(write_text(_key(name)))
        parts.append(b"\x0a" + sized(key + b"\x12" + sized(_write_value(item, depth))))
    return b"".join(parts)


def _write_value(value: Any, depth: int) -> bytes:
    if value is None:
        return b"\x08\x00"
    if isinstance(value, bool):
        return b"\x20\x01" if value else b"\x20\x00"
    if isinstance(value, int | float):
        return b"\x11" + write_double(_checked(value))
    if isinstance(value, str):
        return b"\x1a" + sized(write_text(value))
    if isinstance(value, Mapping):
        return b"\x2a" + sized(_write_struct(value, depth + 1))
    if isinstance(value, list | tuple):
        _check_depth(depth + 1)
        return b"\x32" + sized(b"".join(b"\x0a" + sized(_write_value(item, depth + 1)) for item in value))
    try:
        return _write_value(plain(value, "it"), depth)
    except (TypeError, ValueError) as error:
        raise DecodeError(f"a value of type {type(value).__name__} is not JSON: {error}") from error


def _checked(value: float) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        raise DecodeError(f"{value} is not JSON")
    return value


def _key(name: object) -> str:
    try:
        return key_text(name, "the object")
    except (TypeError, ValueError) as error:
        raise DecodeError(f"a key of type {type(name).__name__} is not JSON: {error}") from error
