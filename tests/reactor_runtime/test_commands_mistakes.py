"""What the author of a command can get wrong is said when the contract is read."""

import re
from typing import Any, Literal

from tests.reactor_runtime.commands_support import mistake

from reactor_runtime import InputField, ModelMessage


class Done(ModelMessage):
    n: int


def test_a_default_that_breaks_its_own_limits() -> None:
    def too_large(self: Any, x: int = InputField(9, le=3)) -> None: ...
    def too_small(self: Any, x: float = InputField(-1.0, ge=0)) -> None: ...
    def too_long(self: Any, x: str = InputField("abcd", max_length=3)) -> None: ...
    def not_chosen(self: Any, x: str = InputField("a", choices=["b"])) -> None: ...

    assert mistake(too_large) == "Model.handler(x): the default does not fit: 9 > le(3)"
    assert mistake(too_small) == "Model.handler(x): the default does not fit: -1.0 < ge(0.0)"
    assert mistake(too_long) == "Model.handler(x): the default does not fit: length 4 > max_length(3)"
    assert mistake(not_chosen) == "Model.handler(x): the default does not fit: 'a' not one of ['b']"


def test_a_default_of_another_type() -> None:
    def text(self: Any, x: int = "a") -> None: ...  # type: ignore[assignment]
    def literal(self: Any, x: Literal["a"] = "b") -> None: ...  # type: ignore[assignment]

    assert mistake(text) == "Model.handler(x): the default does not fit: expected integer, got str"
    assert mistake(literal) == "Model.handler(x): the default does not fit: 'b' not one of ['a']"


def test_limits_that_do_not_belong_to_the_type() -> None:
    def text(self: Any, x: str = InputField(ge=1)) -> None: ...
    def number(self: Any, x: int = InputField(1, max_length=3)) -> None: ...
    def anything(self: Any, x: Any = InputField(le=1)) -> None: ...
    def several(self: Any, x: int | str | None = InputField(None, ge=0)) -> None: ...

    assert mistake(text) == "Model.handler(x): ge limits int, float, not str"
    assert mistake(number) == "Model.handler(x): max_length limits str, list, dict, not int"
    assert mistake(anything).startswith("Model.handler(x): le limits int, float, not ")
    assert mistake(several).startswith("Model.handler(x): ge limits int, float, not ")


def test_parameters_that_a_client_cannot_name() -> None:
    def positional(self: Any, *args: int) -> None: ...
    def keywords(self: Any, **kw: int) -> None: ...
    def unnamed(self: Any, x: int, /) -> None: ...

    assert mistake(positional) == "Model.handler: *args: int cannot be a command's field: name each parameter"
    assert mistake(keywords) == "Model.handler: **kw: int cannot be a command's field: name each parameter"
    assert mistake(unnamed) == "Model.handler: x: int cannot be a command's field: name each parameter"


def test_a_type_that_cannot_cross_the_wire() -> None:
    class Tensor: ...

    def required(self: Any, x: Any) -> None: ...
    def optional(self: Any, x: Any = None) -> None: ...

    required.__annotations__["x"] = optional.__annotations__["x"] = Tensor
    for handler in (required, optional):
        assert re.match(r"Model\.handler\(x\): the type cannot cross the wire: .*Tensor", mistake(handler))


def test_a_return_annotation_that_cannot_be_resolved() -> None:
    def lost(self: Any, x: int) -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821

    assert mistake(lost) == (
        "Model.handler: an annotation cannot be resolved: name 'Nowhere' is not defined; import the name at module level"
    )


def test_a_return_type_that_is_no_single_message() -> None:
    def number(self: Any) -> int: ...  # type: ignore[empty-body]
    def maybe(self: Any) -> Done | None: ...
    def base(self: Any) -> str: ...  # type: ignore[empty-body]

    for handler in (number, maybe, base):
        assert mistake(handler).endswith("a command replies with one ModelMessage subclass, or with None")
