"""Pieces of Python source that hold a stranger's words, and stay what they are: literals, prose in docstrings, and layout.

What is laid out here is what ``ruff format`` leaves alone at every line length from :data:`WIDTH` on (from 130 on where names are
extremely long): a thing that does not fit on one line has a line for each of its parts, with a comma after the last.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 88
LONGEST_LITERAL = 80
_LONGEST_PROSE = 600
_NARROW = 56  # of characters that may take twice their place on the screen, or in the source
_INT_LIMIT = 1 << 63


def literal(value: Any) -> str | None:
    """A JSON scalar as Python says it, in ASCII; None for what is no scalar, or too long for a line."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if abs(value) < _INT_LIMIT else None
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if math.isfinite(value) else None
    if not isinstance(value, str) or len(value) > LONGEST_LITERAL:
        return None
    said = _string(value)
    return said if len(said) <= LONGEST_LITERAL else None


def _string(value: str) -> str:
    """In double quotes, unless the text itself has more of these than of the others: then it needs fewer backslashes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = "".join("\\" + each if each in ("\\", quote) else each for each in value)
    # Lone surrogates have an escape of their own here, too: nothing in a document can make a source that is no text.
    escaped = "".join(each if " " <= each <= "~" else _escape(each) for each in body)
    return f"{quote}{escaped}{quote}"


def _escape(character: str) -> str:
    code = ord(character)
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def label(text: str) -> str:
    """A name for a comment: letters, digits and a few signs, none of which means anything to a tool."""
    return re.sub(r"[^A-Za-z0-9._/+-]+", "_", text)[:LONGEST_LITERAL] or "unnamed"


def prose(text: object) -> str:
    """Words for a docstring, on one line: what is not printable is a blank, and no double quote can end the docstring."""
    if not isinstance(text, str):
        return ""
    text = text[: 2 * _LONGEST_PROSE]
    words = " ".join("".join(each if each.isprintable() else " " for each in text).split()).replace('"', "'")
    return words if len(words) <= _LONGEST_PROSE else words[: _LONGEST_PROSE - 3].rstrip() + "..."


def sentence(text: object) -> str:
    """The same, with a full stop, or nothing."""
    words = prose(text)
    return words if not words or words[-1] in ".!?:" else f"{words}."


def paragraphs(text: object) -> list[str]:
    """The paragraphs of a longer text, each a sentence or more."""
    parts = re.split(r"\n\s*\n", text.strip()) if isinstance(text, str) else []
    return [said for part in parts[:8] if (said := sentence(part))]


def docstring(indent: int, parts: Sequence[str], entries: Sequence[tuple[str, str]] = (), title: str = "Args") -> list[str]:
    """The lines of a docstring: paragraphs, and the arguments or attributes with what is said of each."""
    blocks = [_wrapped(part, indent, "") for part in parts]
    if entries:
        lines = [f"{' ' * indent}{title}:"]
        for name, said in entries:
            lines += _wrapped(f"{name}: {said}", indent + 4, "    ")
        blocks.append(lines)
    lines = [line for block in blocks for line in [*block, ""]][:-1]
    lines[0] = f'{" " * indent}"""{lines[0].lstrip()}'
    if len(lines) == 1 and len(lines[0]) + 3 <= WIDTH:
        return [f'{lines[0]}"""']
    return [*lines, f'{" " * indent}"""']


def _wrapped(words: str, indent: int, hanging: str) -> list[str]:
    plain = words.isascii() and "\\" not in words
    width = (WIDTH if plain else _NARROW) - indent - 3  # the quotes of the first line
    margin = " " * indent
    lines = textwrap.wrap(words, width, subsequent_indent=hanging, break_on_hyphens=False)
    return [margin + line.replace("\\", "\\\\") for line in lines]


def call(indent: int, opening: str, parts: Sequence[str], closing: str) -> list[str]:
    """``opening part, part closing`` on one line where it fits, else with a line for each part."""
    margin = " " * indent
    line = f"{margin}{opening}{', '.join(parts)}{closing}"
    if len(line) <= WIDTH and not any("\n" in part for part in parts):
        return [line]
    inner = [f"{margin}    {part}," for part in parts]
    return [f"{margin}{opening}", *inner, f"{margin}{closing}"]
