"""MODEL_CARD.md, whose tables are written by the scripts that measure."""

from pathlib import Path
from typing import Final

CARD: Final = Path(__file__).resolve().parent / "MODEL_CARD.md"


def put_into(card: str, name: str, table: str) -> str:
    """A card with another table between the marks of that name. Raises ValueError where it has none."""
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, begin, rest = card.partition(first)
    _, end, tail = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the card has no marks {first} and {last}")
    return f"{head}{first}\n\n{table}\n\n{last}{tail}"


def write_card(name: str, table: str) -> None:
    """Puts a table into the card of this folder."""
    CARD.write_text(put_into(CARD.read_text(encoding="utf-8"), name, table), encoding="utf-8")
