"""The pages of the documentation as text, and the fenced blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    body: str


def blocks(*languages: str) -> Iterator[Block]:
    """The fenced blocks of all pages and of the README in those languages."""
    for page in (README, *PAGES):
        for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
            if found["language"] in languages:
                yield Block(str(page.relative_to(ROOT)), found["language"], found["body"])
