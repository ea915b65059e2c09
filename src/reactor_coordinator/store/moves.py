"""Moves of a lifecycle as compare-and-set: a row moves only from a state that the table allows, whoever else writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import Table, Update, update

from reactor_protocol.lifecycles import Lifecycle

T = TypeVar("T")


def move(table: Table, lifecycle: Lifecycle[Any, Any], event: Any, **values: Any) -> Update:
    """The statement that moves rows of ``table`` by ``event``; the caller adds which rows."""
    sources = sorted(str(state) for state, each in lifecycle.moves if each is event)
    (target,) = {after for (_, each), after in lifecycle.moves.items() if each is event}
    return update(table).where(table.c.state.in_(sources)).values(state=str(target), **values)


def padded(values: Iterable[T]) -> list[T]:
    """The same values for an ``IN``, the last repeated up to a power of two: few statements to prepare, whatever the count."""
    those = list(values)
    return those + those[-1:] * ((1 << (len(those) - 1).bit_length()) - len(those)) if those else those
