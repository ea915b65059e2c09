"""Records of named fields: the state of a session, and a command as a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field
from dataclasses import Field as DataclassField
from typing import TYPE_CHECKING, Any, ClassVar

from reactor_runtime.declared import FieldInfo, pascal_case, snake_case
from reactor_runtime.validation import UnresolvedAnnotation, definition, hints_of, is_upload


@dataclass(frozen=True, slots=True)
class Declared:
    """One field: its type, and its default and limits."""

    annotation: Any
    info: FieldInfo

    @property
    def default(self) -> Any:
        """``dataclasses.MISSING`` where a value has to be given. A file is never required of a state: it comes by a command."""
        return self.info.default


class Record:
    """A dataclass whose annotations declare fields; a subclass has its parents' as well, and the nearest declaration wins.

    A field whose name begins with ``_`` is its owner's own: it has a default, and nobody looks at its type.
    """

    _infos: ClassVar[dict[str, FieldInfo]] = {}

    if TYPE_CHECKING:
        # Each subclass is given its own. Checkers are not told of a dataclass: defaults are looked at where classes are made.
        def __init__(self, *values: Any, **named: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("__annotations__", {})
        inherited: dict[str, FieldInfo] = {}
        for base in reversed(cls.__mro__[1:]):
            inherited.update(base.__dict__.get("_infos", {}))
        infos = dict(inherited)
        for name, annotation in own.items():
            infos.pop(name, None)
            if "ClassVar" not in str(annotation):
                infos[name] = _info(cls, name)
        cls._infos = infos
        try:
            declared = cls.declared()
        except UnresolvedAnnotation:
            # It may name a class that comes later in the module: the contract asks again when the model is read.
            declared = {}
        _make_dataclass(cls, {name: declared[name].info if name in declared else info for name, info in infos.items()}, inherited)

    @classmethod
    def declared(cls) -> dict[str, Declared]:
        """The fields by name, without private ones.

        Raises TypeError naming the class, the field and the cure for what can never work.
        """
        public = {name: info for name, info in cls._infos.items() if not name.startswith("_")}
        hints = hints_of(cls.__name__, cls, public.__contains__)
        declared = {name: cls._completed(name, Declared(hints[name], info)) for name, info in public.items()}
        for name, found in declared.items():
            definition(f"{cls.__name__}.{name}", name, found.annotation, found.info)
        return declared

    @classmethod
    def _completed(cls, name: str, found: Declared) -> Declared:
        return found


def _make_dataclass(record: type[Record], infos: dict[str, FieldInfo], inherited: Mapping[str, FieldInfo]) -> None:
    """Those of the class's own fields that need a value come first, as a dataclass wants them."""
    own = record.__dict__.get("__annotations__", {})
    required = []
    for name in own:
        given = record.__dict__.get(name, MISSING)
        if name in infos and not isinstance(given, DataclassField):
            if infos[name].default is not MISSING:
                setattr(record, name, infos[name].default)
            else:
                required.append(name)
                # Not left out: a dataclass would take the default of a parent's field of that name.
                setattr(record, name, field())
    record.__annotations__ = {name: own[name] for name in [*required, *(name for name in own if name not in required)]}
    described = record.__dict__.get("__doc__")
    dataclass(kw_only=bool(inherited))(record)
    record.__doc__ = described


def _info(record: type[Record], name: str) -> FieldInfo:
    """The default as written. Raises TypeError for one that would be shared, or that says nothing to a client."""
    default = record.__dict__.get(name, MISSING)
    where = f"{record.__name__}.{name}"
    if name.startswith("_"):
        if default is MISSING and issubclass(record, InputState):
            raise TypeError(f"{where}: a private field needs a default: no client sets it")
        return default if isinstance(default, FieldInfo) else FieldInfo(default)
    if isinstance(default, DataclassField):
        raise TypeError(f"{where}: dataclasses.field() is not for fields that clients set; write InputField(...)")
    if isinstance(default, list | dict | set):
        raise TypeError(f"{where}: a {type(default).__name__} cannot be a default; make the field T | None = None")
    return default if isinstance(default, FieldInfo) else FieldInfo(default)


class InputState(Record):
    """What clients can set: subclass it, annotate fields with defaults, and annotate ``state`` on the model with the subclass.

    Each public field is a command ``set_<field>``, checked against its type and limits. A field whose name begins with ``_`` is
    the model's own, of any type. A field of :class:`UploadedFile` begins as None. A model has a fresh instance for each session.
    """

    @classmethod
    def _completed(cls, name: str, found: Declared) -> Declared:
        where = f"{cls.__name__}.{name}"
        if found.default is not MISSING:
            return found
        if is_upload(found.annotation):
            info = found.info
            return Declared(found.annotation, FieldInfo(None, info.description, moderate=info.moderate))
        raise TypeError(f"{where}: a field needs a default, which the session begins with; or write T | None = None")

    @classmethod
    def public(cls) -> dict[str, Declared]:
        """The fields that clients can set."""
        return cls.declared()


class Command(Record):
    """A command as a class: its fields are the command's. ``name`` is the class name in snake case unless it is set."""

    name: ClassVar[str] = ""

    __command_fields__: ClassVar[Mapping[str, Declared]] = {}
    """The fields by name, each with its ``annotation`` and its ``info``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "name" not in cls.__dict__:
            cls.name = snake_case(cls.__name__)
        super().__init_subclass__(**kwargs)
        with suppress(UnresolvedAnnotation):
            cls.__command_fields__ = cls.declared()


def make_command(name: str, fields: Iterable[tuple[str, Any] | tuple[str, Any, Any]]) -> type[Command]:
    """The class of a command: for each field its name, its type, and a default or limits if it has some."""
    given = list(fields)
    body: dict[str, Any] = {field[0]: field[2] for field in given if len(field) == 3}
    body |= {"__annotations__": {field[0]: field[1] for field in given}, "__module__": __name__, "name": name}
    return type(pascal_case(name), (Command,), body)
