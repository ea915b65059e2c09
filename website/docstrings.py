"""Docstrings say ``:class:`Name```; the site wants a link where the name has a place on it, and code elsewhere."""

from __future__ import annotations

import re
from typing import Any, Final

import griffe

from reactor_protocol import errors

_ROLE: Final = re.compile(r":(?:class|meth|func|attr|data|exc|mod):`~?([^`]+)`")
_LITERAL: Final = re.compile(r" ?::$", re.MULTILINE)
_DOUBLE: Final = re.compile(r"``([^`]+)``")


class PlainRoles(griffe.Extension):
    """Makes Markdown of what the docstrings say in the words of Sphinx."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute that is read."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """A docstring as Markdown."""
    text = _ROLE.sub(lambda found: _linked(found[1]), _LITERAL.sub("", text))
    return _DOUBLE.sub(r"`\1`", text)


def _linked(name: str) -> str:
    short = name.rpartition(".")[2]
    if isinstance(getattr(errors, short, None), type):
        return f"[`{short}`][reactor_protocol.errors.{short}]"
    return f"`{short}`"
