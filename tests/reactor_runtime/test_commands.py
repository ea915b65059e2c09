"""Commands: payloads checked against a handler's annotations, in the words of the reference (runtime, 1.5)."""

import contextlib
import enum
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.reactor_runtime.commands_support import accepted, refusal, spec_of

from reactor_runtime import CommandError, InputField, ModelMessage, UploadedFile

FILE = UploadedFile("a.png", "image/png", b"123")


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


@dataclass
class Style:
    label: str
    weight: float = 1.0
    tags: list[int] = field(default_factory=list)


def takes_int(self: Any, value: int) -> None: ...
def takes_float(self: Any, value: float) -> None: ...
def takes_str(self: Any, value: str) -> None: ...
def takes_bool(self: Any, value: bool) -> None: ...
def takes_list(self: Any, value: list[int]) -> None: ...
def takes_dict(self: Any, value: dict[str, float]) -> None: ...
def takes_literal(self: Any, value: Literal["a", "b"]) -> None: ...
def takes_numbers(self: Any, value: Literal[1, 2]) -> None: ...
def takes_enum(self: Any, value: Mood) -> None: ...
def takes_optional(self: Any, value: int | None) -> None: ...
def takes_style(self: Any, value: Style) -> None: ...
def takes_any(self: Any, value) -> None: ...  # type: ignore[no-untyped-def]
def takes_annotated(self: Any, value: Annotated[int, "note"]) -> None: ...
def limited(self: Any, value: int = InputField(2, ge=1, le=3)) -> None: ...
def limited_or_null(self: Any, value: int | None = InputField(None, ge=1, le=3)) -> None: ...
def measured(self: Any, value: str = InputField("abc", min_length=2, max_length=4)) -> None: ...
def counted(self: Any, value: list[str] = InputField(min_length=1, max_length=2)) -> None: ...
def chosen(self: Any, value: str | None = InputField("q", choices=["q", "r"])) -> None: ...
def takes_file(self: Any, image: UploadedFile, mask: UploadedFile | None = None, size: int = 1) -> None: ...
def takes_client(self: Any, client: Any, value: int) -> None: ...


@pytest.mark.parametrize(
    ("handler", "sent", "given_"),
    [
        (takes_int, 3, 3),
        (takes_int, 1.0, 1),
        (takes_int, 2**70, 2**70),
        (takes_float, 2, 2.0),
        (takes_float, 0.5, 0.5),
        (takes_str, "", ""),
        (takes_str, "héllo \U0001f600", "héllo \U0001f600"),
        (takes_bool, True, True),
        (takes_list, [1, 2.0], [1, 2]),
        (takes_dict, {"a": 1, "b": 2.5}, {"a": 1.0, "b": 2.5}),
        (takes_literal, "b", "b"),
        (takes_numbers, 2, 2),
        (takes_enum, "wild", Mood.WILD),
        (takes_optional, None, None),
        (takes_optional, 4.0, 4),
        (takes_style, {"label": "ink"}, Style("ink")),
        (takes_style, {"label": "ink", "weight": 2, "tags": [1], "unknown": 1}, Style("ink", 2.0, [1])),
        (takes_any, {"deep": [1, None, 2.5]}, {"deep": [1, None, 2.5]}),
        (takes_annotated, 1.0, 1),
        (limited, 3, 3),
        (limited, 1.0, 1),
        (limited_or_null, None, None),
        (limited_or_null, 1, 1),
        (measured, "abcd", "abcd"),
        (counted, ["a"], ["a"]),
        (chosen, "r", "r"),
        (chosen, None, None),
    ],
)
def test_accepted_values_are_delivered_in_their_type(handler: Any, sent: Any, given_: Any) -> None:
    delivered = accepted(handler, {"value": sent})
    assert delivered == given_
    assert type(delivered) is type(given_)


@pytest.mark.parametrize(
    ("handler", "sent", "reason"),
    [
        (takes_int, "5", "value: expected integer, got str"),
        (takes_int, True, "value: expected integer, got bool"),
        (takes_int, 1.5, "value: expected integer, got float"),
        (takes_int, None, "value: expected integer, got NoneType"),
        (takes_float, "x", "value: expected number, got str"),
        (takes_float, True, "value: expected number, got bool"),
        (takes_str, 5, "value: expected string, got int"),
        (takes_bool, 1, "value: expected boolean, got int"),
        (takes_bool, "true", "value: expected boolean, got str"),
        (takes_list, {"a": 1}, "value: expected list, got dict"),
        (takes_list, [1, "x"], "value[1]: expected integer, got str"),
        (takes_dict, [], "value: expected object, got list"),
        (takes_dict, {"a": "x"}, "value.a: expected number, got str"),
        (takes_literal, "c", "value: 'c' not one of ['a', 'b']"),
        (takes_numbers, 3, "value: 3 not one of [1, 2]"),
        (takes_enum, "odd", "value: 'odd' not one of ['calm', 'wild']"),
        (takes_optional, "x", "value: expected integer, got str"),
        (takes_style, "ink", "value: expected object, got str"),
        (takes_style, {}, "value: missing required field 'label'"),
        (takes_style, {"label": 1}, "value.label: expected string, got int"),
        (takes_style, {"label": "ink", "tags": ["x"]}, "value.tags[0]: expected integer, got str"),
        (limited, 5, "value: 5 > le(3)"),
        (limited, 0, "value: 0 < ge(1)"),
        (limited, "5", "value: expected integer, got str"),
        (limited_or_null, 5, "value: 5 > le(3)"),
        (measured, "a", "value: length 1 < min_length(2)"),
        (measured, "a" * 30, "value: length 30 > max_length(4)"),
        (counted, [], "value: length 0 < min_length(1)"),
        (counted, ["a", "b", "c"], "value: length 3 > max_length(2)"),
        (chosen, "z", "value: 'z' not one of ['q', 'r']"),
    ],
)
def test_refused_values_and_the_reason(handler: Any, sent: Any, reason: str) -> None:
    assert refusal(handler, {"value": sent}) == reason


def test_unexpected_and_missing_arguments() -> None:
    assert refusal(takes_int, {}) == "missing required argument 'value'"
    assert refusal(takes_int, {"value": 1, "b": 1, "a": 1}) == "unexpected argument 'b'"
    assert refusal(takes_int, {"zz": 1, "value": "wrong"}) == "unexpected argument 'zz'"
    assert refusal(takes_int, {"value": 1}, {"image": FILE}) == "unexpected argument 'image'"


def test_defaults_stand_in_for_what_is_not_sent() -> None:
    assert accepted(limited, {}) == 2
    assert accepted(limited_or_null, {}) is None


def test_a_mutable_default_is_not_shared_between_commands() -> None:
    def collects(self: Any, value: list[int] = []) -> None: ...  # noqa: B006

    spec = spec_of(collects)
    spec.validate({}, {})["value"].append(1)
    assert spec.validate({}, {})["value"] == []


def test_parameters_may_have_any_name() -> None:
    def odd(self: Any, copy: int, json: int, schema: int, model_config: int, model_fields: int, _x: int, p0: int) -> None: ...

    names = ["copy", "json", "schema", "model_config", "model_fields", "_x", "p0"]
    data = {name: number for number, name in enumerate(names)}
    assert spec_of(odd).validate(data, {}) == data


def test_the_first_parameter_may_have_any_name_and_is_no_field() -> None:
    def odd(model: Any, self: int) -> None: ...

    assert accepted(odd, {"self": 4}) == 4


def test_uploads_come_as_files() -> None:
    spec = spec_of(takes_file)
    assert spec.validate({}, {"image": FILE}) == {"image": FILE, "mask": None, "size": 1}
    assert spec.validate({"size": 2, "mask": None}, {"image": FILE, "mask": FILE}) == {"image": FILE, "mask": FILE, "size": 2}
    assert refusal(takes_file, {}) == "missing required argument 'image'"
    assert refusal(takes_file, {"size": 1}, {"mask": FILE}) == "missing required argument 'image'"
    assert refusal(takes_file, {"image": "a.png"}) == "image: expected an uploaded file, got str"
    assert refusal(takes_file, {"mask": 1}, {"image": FILE}) == "mask: expected an uploaded file, got int"


def test_the_client_is_no_field() -> None:
    spec = spec_of(takes_client)
    assert spec.takes_client
    assert spec.validate({"value": 1}, {}) == {"value": 1}
    assert refusal(takes_client, {"value": 1, "client": 3}) == "unexpected argument 'client'"


def test_the_reply_is_read_from_the_return_annotation() -> None:
    class Done(ModelMessage):
        n: int

    def replies(self: Any) -> Done: ...  # type: ignore[empty-body]

    replies.__annotations__["return"] = Done
    assert spec_of(replies).reply is Done
    assert spec_of(takes_int).reply is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.sampled_from("ab\"'\ud800\U0001f600\x00\n")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", "label", "\ud800"]), inner, max_size=3),
    max_leaves=8,
)


def takes_everything(
    self: Any,
    value: int = 0,
    f: float = 0.0,
    s: str = InputField("", max_length=3),
    e: Mood = Mood.CALM,
    st: Style | None = None,
    d: dict[str, float] | None = None,
    ls: list[int] | None = InputField(None, max_length=2),
    c: int | None = InputField(None, choices=[1, 2]),
    lit: Literal["a", 1] = "a",
    image: UploadedFile | None = None,
    anything: Any = None,
) -> None: ...


EVERYTHING = spec_of(takes_everything)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted([*EVERYTHING.fields, "extra"])), json_values, max_size=3))
def test_no_payload_makes_validation_raise_anything_but_a_command_error(data: dict[str, Any]) -> None:
    with contextlib.suppress(CommandError):
        assert EVERYTHING.validate(data, {}).keys() == EVERYTHING.fields.keys()
