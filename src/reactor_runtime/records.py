"""Records of named fields: the state of a session, and a command as a class."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from dataclasses import Field as DataclassField
from typing import Any, ClassVar

from reactor_runtime.declared import FieldInfo, snake_case
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
    """A class whose annotations declare fields; a subclass has its parents' as well, and the nearest declaration wins."""

    _infos: ClassVar[dict[str, FieldInfo]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("__annotations__", {})
        infos: dict[str, FieldInfo] = {}
        for base in reversed(cls.__mro__[1:]):
            infos.update(base.__dict__.get("_infos", {}))
        for name, annotation in own.items():
            infos.pop(name, None)
            if "ClassVar" not in str(annotation):
                infos[name] = _info(cls, name)
        cls._infos = infos
        try:
            cls.declared()
        except UnresolvedAnnotation:
            # It may name a class that comes later in the module: the contract asks again when the model is read.
            return

    @classmethod
    def declared(cls) -> dict[str, Declared]:
        """The fields by name. Raises TypeError naming the class, the field and the cure for what can never work."""
        hints = hints_of(cls.__name__, cls)
        declared = {name: cls._completed(name, Declared(hints[name], info)) for name, info in cls._infos.items()}
        for name, found in declared.items():
            definition(f"{cls.__name__}.{name}", name, found.annotation, found.info)
            if found.default is not MISSING:
                setattr(cls, name, found.default)
        return declared

    @classmethod
    def _completed(cls, name: str, found: Declared) -> Declared:
        return found

    def __init__(self, **values: Any) -> None:
        declared = type(self).declared()
        unknown, missing = values.keys() - declared.keys(), [n for n, d in declared.items() if d.default is MISSING]
        for name in missing:
            if name not in values:
                raise TypeError(f"{type(self).__name__} needs a value for {name}")
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no field called {sorted(unknown)[0]}; it has: {', '.join(declared) or 'none'}"
            )
        for name, found in declared.items():
            setattr(self, name, values.get(name, found.default))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def _info(record: type[Record], name: str) -> FieldInfo:
    """The default as written. Raises TypeError for one that would be shared, or that says nothing to a client."""
    default = record.__dict__.get(name, MISSING)
    where = f"{record.__name__}.{name}"
    if isinstance(default, DataclassField):
        raise TypeError(f"{where}: dataclasses.field() is not for fields that clients set; write InputField(...)")
    if isinstance(default, list | dict | set):
        raise TypeError(f"{where}: a {type(default).__name__} cannot be a default; make the field T | None = None")
    return default if isinstance(default, FieldInfo) else FieldInfo(default)


class InputState(Record):
    """What clients can set: subclass it, annotate fields with defaults, and annotate ``state`` on the model with the subclass.

    Each public field is a command ``set_<field>``, checked against its type and limits. A field whose name begins with ``_`` is
    the model's own. A field of :class:`UploadedFile` begins as None. A model has a fresh instance for each session.
    """

    @classmethod
    def _completed(cls, name: str, found: Declared) -> Declared:
        where = f"{cls.__name__}.{name}"
        if found.default is not MISSING:
            return found
        if name.startswith("_"):
            raise TypeError(f"{where}: a private field needs a default: no client sets it")
        if is_upload(found.annotation):
            info = found.info
            return Declared(found.annotation, FieldInfo(None, info.description, moderate=info.moderate))
        raise TypeError(f"{where}: a field needs a default, which the session begins with; or write T | None = None")

    @classmethod
    def public(cls) -> dict[str, Declared]:
        """The fields that clients can set."""
        return {name: found for name, found in cls.declared().items() if not name.startswith("_")}


class Command(Record):
    """A command as a class: its fields are the command's. ``name`` is the class name in snake case unless it is set."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "name" not in cls.__dict__:
            cls.name = snake_case(cls.__name__)
        super().__init_subclass__(**kwargs)
