"""Python names for what a stranger has named."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

LONGEST_NAME = 40
_NO_NAME = re.compile(r"[^A-Za-z0-9_]+")
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")

TYPES = ("str", "int", "float", "bool", "list", "dict")
"""The builtins that annotations are written with: what hides them would change what the annotations say."""


class Names:
    """The names of one scope: each is given out once, and none that is taken by somebody else."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*keyword.kwlist, *TYPES, *taken}

    def claim(self, wanted: str) -> str:
        """The name, or, where it is taken, with underscores at its end."""
        name = wanted
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def is_free(self, name: str) -> bool:
        """Whether nobody has that name."""
        return name not in self._taken

    @property
    def all(self) -> frozenset[str]:
        """All names that are taken."""
        return frozenset(self._taken)


def member(wire: str, fallback: str) -> str:
    """The name of a method, parameter or field: ``set_prompt`` stays, ``x-y`` is ``x_y``, ``3d`` with a fallback ``field`` is
    ``field_3d``. Never private, so that it meets nothing that is."""
    name = _NO_NAME.sub("_", wire).strip("_")[:LONGEST_NAME].rstrip("_")
    if not name:
        return fallback
    return f"{fallback}_{name}"[:LONGEST_NAME].rstrip("_") if name[0].isdigit() else name


def class_name(wire: str, fallback: str) -> str:
    """The name of a class: ``set_prompt`` is ``SetPrompt``, ``HTTPState`` stays."""
    name = "".join(part[:1].upper() + part[1:] for part in _WORDS.split(wire))[:LONGEST_NAME]
    return f"{fallback}{name}"[:LONGEST_NAME] if not name or name[0].isdigit() else name


def constant(wire: str, fallback: str) -> str:
    """The name of a constant: ``main_video`` and ``mainVideo`` are ``MAIN_VIDEO``."""
    return _HUMP.sub(r"\1_\2", member(wire, fallback)).upper()


def default_class(model: str) -> str:
    """The class for a model: ``HeliosModel`` for ``helios`` and ``reactor/helios``, ``SkyPainterModel`` for ``sky-painter``."""
    return f"{class_name(model.rpartition('/')[2], 'Some')}Model"
