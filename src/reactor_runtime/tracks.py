"""Tracks of a model: what an author declares, and what a step hands over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import TrackKind

TrackFlow: TypeAlias = Literal["in", "out"]


if TYPE_CHECKING:
    # On an Input holder, the attribute that a track's annotation declares is a buffer: type checkers are to see its methods.
    from reactor_runtime.inputs import InputBuffer as _Declared
else:
    _Declared = object


class Track(_Declared):
    """Base of the two kinds of track; used as an annotation, never instantiated."""

    kind: ClassVar[TrackKind]


class Video(Track):
    """Pictures: (H, W, 3) uint8 RGB, or a batch (N, H, W, 3)."""

    kind = "video"


class Audio(Track):
    """Sound: (samples,) or (channels, samples), int16 or float in [-1, 1]. Subclass it to declare another rate (Hz)."""

    kind = "audio"
    sample_rate: ClassVar[int] = 48_000


@dataclass(frozen=True, slots=True)
class TrackSpec:
    """One declared track. ``rate`` is in Hz for audio and 0 for video; ``flow`` is the model's point of view."""

    name: str
    kind: TrackKind
    flow: TrackFlow
    rate: int = 0


@dataclass(frozen=True, slots=True)
class TrackPayload:
    """The data of one track in one :class:`Output`. ``metadata`` is accepted, and reaches no client yet."""

    data: NDArray[Any]
    metadata: Any = None


class TrackHolder:
    """A class whose annotations declare tracks."""

    _declared: ClassVar[dict[str, type[Track]] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._declared = None

    @classmethod
    def declared(cls) -> dict[str, type[Track]]:
        """The tracks by name, in order of declaration. Raises TypeError when an annotation cannot be resolved."""
        if cls._declared is None:
            try:
                hints = get_type_hints(cls)
            except NameError as error:
                raise TypeError(f"{cls.__module__}.{cls.__name__}: an annotation cannot be resolved: {error}") from error
            cls._declared = {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, Track)}
        return cls._declared

    @classmethod
    def specs(cls, flow: TrackFlow) -> list[TrackSpec]:
        """The tracks as the contract lists them."""
        return [
            TrackSpec(name, track.kind, flow, track.sample_rate if issubclass(track, Audio) else 0)
            for name, track in cls.declared().items()
        ]


class Output(TrackHolder):
    """What one step gives: declare the tracks as annotations, construct it with one array for each.

    Example: ``class Out(Output): main_video: Video`` and ``await self.emit(Out(main_video=rgb))``. Constructing it raises
    TypeError when the names are not exactly the declared tracks.
    """

    def __init__(self, **payloads: NDArray[Any] | TrackPayload) -> None:
        declared = type(self).declared()
        missing, extra = declared.keys() - payloads.keys(), payloads.keys() - declared.keys()
        if missing or extra:
            problems = [f"missing {sorted(missing)}"] * bool(missing) + [f"unknown {sorted(extra)}"] * bool(extra)
            raise TypeError(f"{type(self).__name__} has the tracks {list(declared)}: {', '.join(problems)}")
        self.payloads: dict[str, TrackPayload] = {
            name: payload if isinstance(payload, TrackPayload) else TrackPayload(np.asarray(payload))
            for name, payload in payloads.items()
        }

    def batch(self) -> int | None:
        """How many frames it carries, or None when it is a single frame.

        Raises :class:`InvalidArgumentError` when batched tracks disagree, or are empty.
        """
        declared = type(self).declared()
        sizes = {
            payload.data.shape[0]
            for name, payload in self.payloads.items()
            if declared[name].kind == "video" and payload.data.ndim == 4
        }
        if 0 in sizes:
            raise InvalidArgumentError(f"{type(self).__name__}: a batch has at least one frame")
        if len(sizes) > 1:
            raise InvalidArgumentError(f"{type(self).__name__}: batched tracks disagree on the number of frames: {sorted(sizes)}")
        return sizes.pop() if sizes else None


class Input(TrackHolder):
    """What clients send: declare the tracks as annotations, and an attribute of this class on the model.

    Example: ``class In(Input): camera: Video`` and on the model ``inputs: In``; then ``await self.inputs.camera.read()``. Each
    attribute is an :class:`reactor_runtime.InputBuffer`.
    """
