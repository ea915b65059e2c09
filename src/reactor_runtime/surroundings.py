"""What belongs to a model: the outputs and messages that stand beside it.

There is no registry. A model has what is in its class body and in its module, and in the modules of its author that this one
imports from; and where several models share a module, those of them that its code names, so that no model sees another's.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

from reactor_runtime.declared import MADE_AS

T = TypeVar("T")


def authored(model: type[Any]) -> list[type[Any]]:
    """A model class and those of its bases that are models of the author's own, nearest first."""
    root = next((kind for kind in reversed(model.__mro__) if "FRAMEWORK" in vars(kind)), None)
    return [kind for kind in model.__mro__ if root is not None and issubclass(kind, root) and "FRAMEWORK" not in vars(kind)]


def visible(model: type[Any], kind: type[T]) -> list[type[T]]:
    """The subclasses of ``kind`` that belong to a model, in the order of their declaration."""
    owners = authored(model)
    nested = _subclasses((value for owner in owners for value in vars(owner).values()), kind)
    found: list[type[T]] = list(nested)
    for owner in owners:
        beside = _beside(owner)
        here = _subclasses(beside.values(), kind)
        if _others(model, beside):
            named = _named(owners, beside)
            of_model = [value for name, value in beside.items() if name in named and isinstance(value, type) and value in here]
            found.extend(of_model or ([] if nested else here))
        else:
            found.extend([*here, *_imported(model, owner, kind)])
    return sorted(dict.fromkeys(found), key=lambda each: getattr(each, MADE_AS, 0))


def _imported(model: type[Any], owner: type[Any], kind: type[T]) -> list[type[T]]:
    """What is declared in the author's modules that a module imports from, unless these hold other models."""
    found: list[type[T]] = []
    pending, seen = [owner.__module__], {owner.__module__}
    while pending:
        names = vars(sys.modules[name]) if (name := pending.pop()) in sys.modules else {}
        if name != owner.__module__ and not _others(model, names):
            found.extend(value for value in _subclasses(names.values(), kind) if value.__module__ == name)
        for value in list(names.values()):
            other = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(value, ModuleType | FunctionType | type) and isinstance(other, str) and other not in seen:
                seen.add(other)
                if _is_authors(sys.modules.get(other)):
                    pending.append(other)
    return found


_INSTALLED = tuple({str(Path(sysconfig.get_path(name))) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PRODUCT = ("reactor_protocol", "reactor_rtc", "reactor_sdk", "reactor_runtime", "reactor_testing")


def _is_authors(module: ModuleType | None) -> bool:
    """Whether a module is the author's own, and not one of those that are installed."""
    file = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "")
    return isinstance(file, str) and not file.startswith(_INSTALLED) and name.partition(".")[0] not in _PRODUCT


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
