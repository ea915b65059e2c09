"""The protobuf wire format (proto3): bytes to plain dicts and back, by tables of fields.

Small on purpose: what wire version v1 needs, and a bound on everything that a peer decides. A field that a table does not know,
or that comes with another wire type, is passed over; whatever cannot be read is a :class:`DecodeError` and nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import JsonObject

MAX_FIELDS: Final = 131_072
"""Limit of the fields in one message, nested ones included: some 30,000 numbers, for each of which a Struct spends four."""

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_DOUBLE: Final = struct.Struct("<d")
_WORD: Final = (1 << 64) - 1


class Budget:
    """How many fields a message may still hold."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def spend(self) -> None:
        """Counts a field. Raises :class:`DecodeError` at one too many."""
        self._left -= 1
        if self._left < 0:
            raise DecodeError(f"a message of more than {MAX_FIELDS} fields")


Reader: TypeAlias = Callable[[bytes, int, int, Budget], Any]
Writer: TypeAlias = Callable[[Any], bytes]
Repetition: TypeAlias = Literal["one", "list", "map"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of field: its wire type, and how its content is read (from a span) and written."""

    wire: int
    read: Reader
    write: Writer


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message: its name, its type, and whether it comes once, often, or as a map with text for keys."""

    name: str
    kind: Kind
    many: Repetition = "one"


class Shape:
    """A message type: its fields by their numbers."""

    def __init__(self, fields: Mapping[int, Field]) -> None:
        self._fields = fields
        self._numbers = {field.name: (number, field) for number, field in fields.items()}

    def decode(self, data: bytes) -> JsonObject:
        """The fields that are there, in the order in which each came last. Raises :class:`DecodeError`."""
        return self.read(data, 0, len(data), Budget())

    def encode(self, body: Mapping[str, Any]) -> bytes:
        """The bytes of a message; fields that are left out take their defaults. Raises :class:`DecodeError`."""
        parts: list[bytes] = []
        for name, value in body.items():
            number, field = self._numbers[name]
            tag = varint(number << 3 | field.kind.wire)
            if field.many == "one":
                parts.append(_tagged(tag, field.kind, value))
            elif field.many == "list":
                parts.extend(_tagged(tag, field.kind, item) for item in value)
            else:
                parts.extend(tag + sized(entry(key, field.kind, item)) for key, item in value.items())
        return b"".join(parts)

    def read(self, data: bytes, pos: int, end: int, budget: Budget) -> JsonObject:
        """The fields of the message that fills a span."""
        out: JsonObject = {}
        while pos < end:
            budget.spend()
            key, pos = read_varint(data, pos, end)
            field = self._fields.get(key >> 3)
            if field is None or key & 7 != (BYTES if field.many == "map" else field.kind.wire):
                pos = skip(data, pos, end, key & 7)
                continue
            if key & 7 == VARINT:
                value, pos = read_varint(data, pos, end)
            else:
                start, stop = span(data, pos, end, key & 7)
                value, pos = _content(field, data, start, stop, budget), stop
            _keep(out, field, value)
        return out


def _content(field: Field, data: bytes, pos: int, end: int, budget: Budget) -> Any:
    if field.many != "map":
        return field.kind.read(data, pos, end, budget)
    name, start, stop = read_entry(data, pos, end, budget)
    return name, field.kind.read(data, start, stop, budget)


def _keep(out: JsonObject, field: Field, value: Any) -> None:
    if field.many == "one":
        # Of the members of a oneof the last one counts: taken out and put back, it stands last.
        out.pop(field.name, None)
        out[field.name] = value
    elif field.many == "list":
        out.setdefault(field.name, []).append(value)
    else:
        out.setdefault(field.name, {})[value[0]] = value[1]


def _tagged(tag: bytes, kind: Kind, value: Any) -> bytes:
    content = kind.write(value)
    return tag + (sized(content) if kind.wire == BYTES else content)


# ------------------------------------------------------------------------------------------------------ primitives


def varint(value: int) -> bytes:
    """A number of 0 to 2**64 - 1 in base 128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """A number, and where it ends. Raises :class:`DecodeError`."""
    if pos < end and data[pos] < 0x80:
        return data[pos], pos + 1
    value = shift = 0
    while pos < end and shift < 70:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, pos
        shift += 7
    raise DecodeError("a number is cut off" if pos >= end else "a number is longer than 10 bytes")


def sized(content: bytes) -> bytes:
    """Content with its length before it."""
    size = len(content)
    return (bytes((size,)) if size < 0x80 else varint(size)) + content


def span(data: bytes, pos: int, end: int, wire: int) -> tuple[int, int]:
    """Where the content of a field that is no varint begins and ends. Raises :class:`DecodeError`."""
    if wire == BYTES:
        if pos < end and data[pos] < 0x80:
            size, pos = data[pos], pos + 1
        else:
            size, pos = read_varint(data, pos, end)
    elif wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
    else:
        raise DecodeError(f"wire type {wire} is not known")
    if size > end - pos:
        raise DecodeError(f"a field of {size} bytes where {end - pos} are left")
    return pos, pos + size


def skip(data: bytes, pos: int, end: int, wire: int) -> int:
    """Where a field ends that means nothing to us. Raises :class:`DecodeError`."""
    if wire == VARINT:
        return read_varint(data, pos, end)[1]
    return span(data, pos, end, wire)[1]


def read_text(data: bytes, pos: int, end: int) -> str:
    """Text of a span. Raises :class:`DecodeError`."""
    try:
        return data[pos:end].decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"text that is not UTF-8: {error.reason}") from error


def write_text(value: str) -> bytes:
    """The bytes of a text. Raises :class:`DecodeError` for half a surrogate pair, which has no UTF-8."""
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise DecodeError(f"text that has no UTF-8: {error.reason}") from error


def read_double(data: bytes, pos: int) -> float:
    """The double that begins at ``pos``."""
    value: float = _DOUBLE.unpack_from(data, pos)[0]
    return value


def write_double(value: float) -> bytes:
    """The bytes of a number. Raises :class:`DecodeError` for an integer that no double comes near."""
    try:
        return _DOUBLE.pack(value)
    except (OverflowError, struct.error) as error:
        raise DecodeError("an integer is too large for the wire") from error


def entry(key: str, kind: Kind, value: Any) -> bytes:
    """The content of one entry of a map."""
    return b"\x0a" + sized(write_text(key)) + _tagged(bytes((2 << 3 | kind.wire,)), kind, value)


def read_entry(data: bytes, pos: int, end: int, budget: Budget) -> tuple[str, int, int]:
    """The key of one entry of a map, and the span of its value: an empty one where it is left out."""
    key, start, stop = "", end, end
    while pos < end:
        budget.spend()
        tag, pos = read_varint(data, pos, end)
        if tag & 7 == VARINT:
            pos = skip(data, pos, end, VARINT)
            continue
        begins, pos = span(data, pos, end, tag & 7)
        if tag == 0x0A:
            key = read_text(data, begins, pos)
        elif tag in (0x12, 0x11):
            start, stop = begins, pos
    return key, start, stop


def read_packed(data: bytes, pos: int, end: int, budget: Budget) -> list[int]:
    """The numbers of a packed field. Raises :class:`DecodeError`."""
    numbers: list[int] = []
    while pos < end:
        budget.spend()
        number, pos = read_varint(data, pos, end)
        numbers.append(number)
    return numbers


TEXT: Final = Kind(BYTES, lambda data, pos, end, _: read_text(data, pos, end), write_text)
DOUBLE: Final = Kind(FIXED64, lambda data, pos, _end, _budget: read_double(data, pos), write_double)
INTEGER: Final = Kind(VARINT, lambda data, pos, end, _: read_varint(data, pos, end)[0], lambda value: varint(value & _WORD))


RAW: Final = Kind(BYTES, lambda data, pos, end, _: data[pos:end], lambda value: value)
PACKED: Final = Kind(BYTES, read_packed, lambda numbers: b"".join(varint(number) for number in numbers))
FIGURE: Final = Kind(FIXED64, lambda data, pos, end, _: read_double(data, pos) if end - pos == 8 else 0.0, write_double)
"""A double that may be left out, as the value of an entry of a map may."""


def signed(value: int) -> int:
    """A varint as int64."""
    return value - (1 << 64) if value >> 63 else value


def message(shape: Shape) -> Kind:
    """The type of a field that holds a message."""
    return Kind(BYTES, shape.read, shape.encode)
