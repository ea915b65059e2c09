"""From the shapes of a schema document to annotations, and to the classes and choices that these name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from reactor_cli.typed.names import Names, class_name
from reactor_cli.typed.text import LONGEST_LITERAL, literal
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import mapping_of, properties_of, reference_of, resolved

ANY: Final = "Any"
ANYTHING: Final = "dict[str, Any]"
FILE: Final = "File"

_DEEPEST = 6
_MOST_SHAPES = 8_192
_MOST_FIELDS = 256
_MOST_CHOICES = 64
_LONGEST_LONE_CHOICE = 24  # of one choice alone, which has to fit on the line of its name
_MOST_ALTERNATIVES = 8
_LONGEST_ANNOTATION = 60
_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message, or a parameter: its name on the wire, its annotation, and its shape with all that limits it."""

    wire: str
    annotation: str
    required: bool
    shape: JsonObject


@dataclass(slots=True)
class Record:
    """A dataclass of the module. ``said`` is what it is, for its docstring."""

    name: str
    said: str
    fields: tuple[Field, ...] = ()


class Shapes:
    """Reads shapes. What it meets on the way and has a name of its own is in :attr:`records` and :attr:`choices`."""

    def __init__(self, document: JsonObject, names: Names) -> None:
        self.records: list[Record] = []
        self.choices: dict[str, tuple[str, ...]] = {}
        self._document = document
        self._names = names
        self._components: dict[str, Record] = {}
        self._unread: list[tuple[Record, JsonObject, str]] = []
        self._read = 0

    def record(self, shape: JsonObject, name: str, said: str) -> str:
        """The class of a message or reply. ``name`` is its name on the wire, for one that is no component of its own."""
        component = reference_of(shape)
        if component is None:
            return self._new_record(shape, name, said, 0).name
        record = self._known(shape, component, said)
        while self._unread:
            unread, found, called = self._unread.pop(0)
            unread.fields = self.fields(found, called)
        return record.name

    def _known(self, shape: JsonObject, component: str, said: str) -> Record:
        """The class of a component. Its fields are read later: it may hold itself, and a chain of them may be long."""
        if component not in self._components:
            record = self._components[component] = Record(self._names.claim(class_name(component, "Message")), said)
            self.records.append(record)
            self._unread.append((record, resolved(self._document, shape), component))
        return self._components[component]

    def _new_record(self, shape: JsonObject, name: str, said: str, depth: int) -> Record:
        record = Record(self._names.claim(class_name(name, "Message")), said)
        self.records.append(record)
        record.fields = self.fields(shape, name, depth)
        return record

    def fields(self, shape: JsonObject, owner: str, depth: int = 0, *, nested: bool = True) -> tuple[Field, ...]:
        """The fields of an object. ``nested`` where objects inside it become classes too."""
        found, required = properties_of(shape)
        if len(found) > _MOST_FIELDS:
            raise InvalidArgumentError(f"{owner[:40]} has {len(found)} fields: {_MOST_FIELDS} can be written")
        told = []
        for wire, field in found.items():
            if literal(wire) is None:
                raise InvalidArgumentError(f"{owner[:40]} has a field whose name is too long: {wire[:40]}...")
            annotation = self.annotation(field, (owner, wire), depth, nested=nested)
            told.append(Field(wire, annotation, wire in required, field))
        return tuple(told)

    def annotation(self, shape: JsonObject, where: tuple[str, str], depth: int = 0, *, nested: bool) -> str:
        """A shape as Python says it; ``Any`` for what it has no words for. ``where`` are its owner and its own name."""
        parts = self._parts(shape, where, depth, nested)
        if not parts or ANY in parts or len(parts) > _MOST_ALTERNATIVES:
            return ANY
        ordered = [part for part in parts if part != "None"] + [part for part in parts if part == "None"]
        said = " | ".join(ordered)
        return said if len(said) <= _LONGEST_ANNOTATION else ANY

    def _parts(self, shape: JsonObject, where: tuple[str, str], depth: int, nested: bool) -> list[str]:
        """The types that a value may have, each once."""
        self._read += 1
        if self._read > _MOST_SHAPES:
            raise InvalidArgumentError(f"the schema has more than {_MOST_SHAPES} parts: no client can be written for it")
        if depth > _DEEPEST:
            return [ANY]
        alternatives, kinds = alternatives_of(shape), shape.get("type")
        if isinstance(shape.get("enum"), list) or "const" in shape:
            return self._choice(shape, where, nullable={"type": "null"} in alternatives)
        if isinstance(kinds, list):
            alternatives = [{**shape, "type": kind} for kind in kinds if isinstance(kind, str)]
        if alternatives:
            found = [self._parts(each, where, depth + 1, nested) for each in alternatives[: _MOST_ALTERNATIVES + 1]]
            return list(dict.fromkeys(part for parts in found for part in parts))
        return [self._single(shape, where, depth, nested)]

    def _single(self, shape: JsonObject, where: tuple[str, str], depth: int, nested: bool) -> str:
        if (component := reference_of(shape)) is not None:
            return self._component(shape, component, nested)
        kind = shape.get("type")
        if kind == "array":
            return f"list[{self.annotation(mapping_of(shape.get('items')), where, depth + 1, nested=nested)}]"
        if kind == "object" or (kind is None and "properties" in shape):
            if nested and mapping_of(shape.get("properties")):
                name = "_".join((class_name(where[0], "Part"), where[1]))
                return self._new_record(shape, name, f"A part of :class:`{class_name(where[0], 'Part')}`.", depth + 1).name
            return f"dict[str, {self.annotation(mapping_of(shape.get('additionalProperties')), where, depth + 1, nested=nested)}]"
        return _PLAIN.get(kind, ANY) if isinstance(kind, str) else ANY

    def _component(self, shape: JsonObject, component: str, nested: bool) -> str:
        found = resolved(self._document, shape)
        if is_file(self._document, shape):
            # Clients send files, and are sent none.
            return ANYTHING if nested else FILE
        if not nested or not mapping_of(found.get("properties")):
            return ANYTHING if found.get("type") == "object" else ANY
        return self._known(shape, component, "").name

    def _choice(self, shape: JsonObject, where: tuple[str, str], *, nullable: bool) -> list[str]:
        values = shape["enum"] if isinstance(shape.get("enum"), list) else [shape.get("const")]
        written = [literal(value) for value in values if value is not None and not isinstance(value, float)]
        optional = ["None"] if nullable or None in values else []
        choices = tuple(dict.fromkeys(each for each in written if each is not None))
        if len(choices) == 1 and len(choices[0]) > _LONGEST_LONE_CHOICE:
            choices = ()
        if not choices or len(choices) != len(values) - (None in values) or len(choices) > _MOST_CHOICES:
            kinds = {
                "str" if isinstance(v, str) else "float" if isinstance(v, int | float) else ANY for v in values if v is not None
            }
            return [*sorted(kinds), *optional]
        return [self._named(choices, where[1]), *optional]

    def _named(self, choices: tuple[str, ...], wire: str) -> str:
        """The name of these choices; others that are called alike get names of their own."""
        for name, known in self.choices.items():
            if known == choices and name.rstrip("_") == class_name(wire, "Choice"):
                return name
        name = self._names.claim(class_name(wire, "Choice"))
        self.choices[name] = choices
        return name


def is_file(document: JsonObject, shape: JsonObject) -> bool:
    """Whether a parameter is an uploaded file, or one that may be left out."""
    found = [resolved(document, each) for each in (shape, *alternatives_of(shape)) if reference_of(each) is not None]
    return any(each.get("format") == "reactor-upload-reference" for each in found)


def limits_of(document: JsonObject, shape: JsonObject) -> list[str]:
    """What a value has to keep to, in words."""
    low, high = _number(shape.get("minimum")), _number(shape.get("maximum"))
    said = [_range(low, high, "")] if low is not None or high is not None else []
    short, long = _number(shape.get("minLength")), _number(shape.get("maxLength"))
    if short is not None or long is not None:
        said.append(_range(short, long, " items" if shape.get("type") == "array" else " characters"))
    few, many = _number(shape.get("minItems")), _number(shape.get("maxItems"))
    if few is not None or many is not None:
        said.append(_range(few, many, " items"))
    if is_file(document, shape):
        said.append("an uploaded file, a path or bytes")
    return said


def _range(low: str | None, high: str | None, unit: str) -> str:
    if low is None:
        return f"at most {high}{unit}"
    return f"at least {low}{unit}" if high is None else f"{low} to {high}{unit}"


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    said = literal(value)
    return said if said is not None and len(said) < LONGEST_LITERAL // 2 else None


def alternatives_of(shape: JsonObject) -> list[JsonObject]:
    """The shapes that a value may have one of, if the shape says that there are several."""
    for key in ("anyOf", "oneOf"):
        if isinstance(found := shape.get(key), list):
            return [mapping_of(each) for each in found]
    return []
