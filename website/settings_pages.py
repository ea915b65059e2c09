"""What may stand in ``reactor-cloud.yaml``, read off the models that check it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from reactor_coordinator.config import CloudConfig, IceSpec, Limits, LocalPoolSpec, ModelSpec, RayPoolSpec, TurnSpec
from website.wire_pages import table

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("at the top", CloudConfig),
    ("`models.NAME`", ModelSpec),
    ("`pool` with `kind: local`", LocalPoolSpec),
    ("`pool` with `kind: ray`", RayPoolSpec),
    ("`ice`", IceSpec),
    ("`ice.turn`", TurnSpec),
    ("`limits`", Limits),
)


def cloud_configuration() -> str:
    """Every key, its default and its bounds."""
    return "\n\n".join(
        f"### {title[0].upper()}{title[1:]}\n\n{table(('key', 'default', ''), _rows(kind))}" for title, kind in SECTIONS
    )


def _rows(kind: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in kind.model_fields.items():
        yield f"`{name}`", _default(field), _bounds(field)


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, BaseModel):
        return "see below"
    return "none" if default is None or default in ([], {}) else f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _bounds(field: FieldInfo) -> str:
    words = []
    for each in field.metadata:
        for kind, attribute, sign in ((Ge, "ge", ">="), (Gt, "gt", ">"), (Le, "le", "<="), (Lt, "lt", "<")):
            if isinstance(each, kind):
                words.append(f"{sign} {getattr(each, attribute)}")
    return ", ".join(words)
