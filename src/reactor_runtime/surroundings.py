"""What belongs to a model: the outputs and messages that stand beside it.

There is no registry. A model has what is in its class body, else what is in its module; and where several models share a module,
those of them that its code names, so that no model sees another's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, TypeVar

T = TypeVar("T")


def authored(model: type[Any]) -> list[type[Any]]:
    """A model class and those of its bases that are models of the author's own, nearest first."""
    root = next((kind for kind in reversed(model.__mro__) if "FRAMEWORK" in vars(kind)), None)
    return [kind for kind in model.__mro__ if root is not None and issubclass(kind, root) and "FRAMEWORK" not in vars(kind)]


def visible(model: type[Any], kind: type[T]) -> list[type[T]]:
    """The subclasses of ``kind`` that belong to a model, in the order of their declaration."""
    owners = authored(model)
    nested = _subclasses((value for owner in owners for value in vars(owner).values()), kind)
    if nested:
        return nested
    found: list[type[T]] = []
    for owner in owners:
        beside = _beside(owner)
        here = _subclasses(beside.values(), kind)
        if _others(model, beside):
            named = _named(owners, beside)
            here = [
                value for name, value in beside.items() if name in named and isinstance(value, type) and value in here
            ] or here
        found.extend(here)
    return list(dict.fromkeys(found))


def _beside(owner: type[Any]) -> dict[str, Any]:
    module = sys.modules.get(owner.__module__)
    return vars(module) if module is not None else {}


def _subclasses(values: Iterable[Any], kind: type[T]) -> list[type[T]]:
    found = [value for value in values if isinstance(value, type) and issubclass(value, kind) and value is not kind]
    return list(dict.fromkeys(value for value in found if not value.__module__.startswith("reactor_runtime.")))


def _others(model: type[Any], beside: dict[str, Any]) -> bool:
    """Whether a module holds a model that has nothing to do with this one."""
    return any(
        isinstance(value, type) and authored(value) and not issubclass(value, model) and not issubclass(model, value)
        for value in beside.values()
    )


def _named(owners: Iterable[type[Any]], beside: dict[str, Any]) -> set[str]:
    """The names of a module that the code of a model refers to, itself or through functions and classes of that module."""
    named: set[str] = set()
    pending = [code for owner in owners for code in _codes(owner)]
    while pending:
        code = pending.pop()
        pending.extend(part for part in code.co_consts if isinstance(part, CodeType))
        for name in (*code.co_names, *code.co_freevars):
            if name in beside and name not in named:
                named.add(name)
                pending.extend(_codes(beside[name]))
    return named


def _codes(value: Any) -> Iterator[CodeType]:
    if isinstance(value, FunctionType):
        yield value.__code__
    elif isinstance(value, type):
        for member in vars(value).values():
            plain = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(plain, FunctionType):
                yield plain.__code__
