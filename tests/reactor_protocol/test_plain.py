"""What a message may hold: NumPy's values become plain ones, and what JSON cannot say is refused by its place."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from reactor_protocol.codec import JsonCodec
from reactor_protocol.codec_v1 import ProtobufCodec
from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import ApplicationMessage
from reactor_protocol.plain import plain


class Level(IntEnum):
    HIGH = 3


GIVEN: dict[Any, Any] = {
    "int64": np.int64(7),
    "uint8": np.uint8(255),
    "float32": np.float32(0.5),
    "float64": np.float64(0.1),
    "bool": np.bool_(True),
    "text": np.str_("dusk"),
    "scalar": np.array(4),
    "row": np.arange(3),
    "grid": [np.array([[1.5, 2.5]]), (np.int8(1), 2)],
    "level": Level.HIGH,
    np.int64(5): {"inner": np.float16(2.0)},
}
PLAIN = {
    "int64": 7,
    "uint8": 255,
    "float32": 0.5,
    "float64": 0.1,
    "bool": True,
    "text": "dusk",
    "scalar": 4,
    "row": [0, 1, 2],
    "grid": [[[1.5, 2.5]], [1, 2]],
    "level": 3,
    "5": {"inner": 2.0},
}


def test_numbers_and_arrays_become_plain() -> None:
    made = plain(GIVEN, "scores")
    assert made == PLAIN
    assert json.loads(json.dumps(made, allow_nan=False)) == PLAIN
    assert {name: type(value) for name, value in made.items()} == {name: type(value) for name, value in PLAIN.items()}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "scores is nan"),
        (np.float32("inf"), "scores is inf"),
        ({"a": [1, float("-inf")]}, r"scores\.a\[1\] is -inf"),
        ({"a": np.array([[1.0, np.nan]])}, r"scores\.a\[0\]\[1\] is nan"),
        ({"a": {1, 2}}, r"scores\.a is of type set"),
        ({"a": object()}, r"scores\.a is of type object"),
        ({"a": np.array([1j])}, r"scores\.a\[0\] is of type complex"),
        ({"a": "\ud800"}, r"scores\.a holds half a surrogate pair"),
        ({(1, 2): 3}, "a key of scores is a list"),
    ],
)
def test_what_json_cannot_say_is_refused_by_its_place(value: object, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        plain(value, "scores")


def test_what_holds_itself_is_refused() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ValueError, match="nested more than"):
        plain(ring, "ring")


@pytest.mark.parametrize("codec", [JsonCodec(), ProtobufCodec()], ids=["v0", "v1"])
def test_both_wire_versions_carry_them(codec: JsonCodec | ProtobufCodec) -> None:
    heard = codec.decode_server(codec.encode(ApplicationMessage("scores", GIVEN)))
    assert heard == ApplicationMessage("scores", PLAIN)


@pytest.mark.parametrize("codec", [JsonCodec(), ProtobufCodec()], ids=["v0", "v1"])
@pytest.mark.parametrize("value", [float("nan"), np.array([np.inf]), {1}])
def test_neither_wire_version_carries_anything_else(codec: JsonCodec | ProtobufCodec, value: object) -> None:
    with pytest.raises(DecodeError):
        codec.encode(ApplicationMessage("scores", {"deep": [value]}))
