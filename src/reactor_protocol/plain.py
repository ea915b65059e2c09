"""Values as JSON has them: numbers and arrays of NumPy become plain, and what JSON cannot say is refused by its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from reactor_protocol.names import MAX_NESTING

_PLAIN: Final = frozenset({int, bool, type(None)})


def plain(value: object, place: str, depth: int = 0) -> Any:
    """``value`` in dicts, lists, texts, numbers, bools and None. Whatever has ``tolist()`` gives what that gives.

    ``place`` names the value in errors: TypeError for what is no JSON, ValueError for NaN, an infinite number, half a
    surrogate pair, and more levels of lists and dicts inside one another than a peer reads.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{place} is {value}, for which JSON has no word")
        return float(value)
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise ValueError(f"{place} holds half a surrogate pair, which is no text")
        return str(value)
    if isinstance(value, int):
        return int(value)
    if depth > MAX_NESTING:
        raise ValueError(f"{place} is nested more than {MAX_NESTING} levels deep")
    return _many(value, place, depth + 1)


def _many(value: object, place: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {key_text(key, place): plain(each, f"{place}.{key}", depth) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, f"{place}[{number}]", depth) for number, each in enumerate(value)]
    return plain(listed(value, place), place, depth)


def listed(value: Any, place: str = "the value") -> Any:
    """What an array, or a number of an array, holds. Raises TypeError for what is neither."""
    to_list = getattr(value, "tolist", None)
    if not callable(to_list):
        raise TypeError(f"{place} is of type {type(value).__name__}, which is not JSON")
    return to_list()


def key_text(key: object, place: str) -> str:
    """A key as JSON has it, where all are texts."""
    value = plain(key, f"a key of {place}")
    if isinstance(value, list | dict):
        raise TypeError(f"a key of {place} is a {type(value).__name__}, which is not JSON")
    return value if isinstance(value, str) else json.dumps(value)
