"""Tracks of a model: what an author declares, and what a step hands over."""

from __future__ import annotations

import json
import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.plain import plain
from reactor_protocol.resources import TrackKind
from reactor_rtc.frames import MAX_AUDIO_RATE, MIN_AUDIO_RATE
from reactor_runtime.declared import number_class
from reactor_runtime.validation import UnresolvedAnnotation, hints_of

TrackFlow: TypeAlias = Literal["in", "out"]

Metadata: TypeAlias = dict[str, Any] | bytes
"""What goes with a picture: bytes as they are, or what JSON can say."""

MAX_METADATA_BYTES = 65_536


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
    """Sound: (samples,) or (channels, samples), int16 or float in [-1, 1]. Subclass it to declare another rate (Hz).

    ``buffer_seconds`` bounds what an input track keeps unread. Raises ValueError where the class is made for a rate or a bound
    that cannot be.
    """

    kind = "audio"
    sample_rate: ClassVar[int] = 48_000
    buffer_seconds: ClassVar[float | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        rate, seconds = cls.sample_rate, cls.buffer_seconds
        if isinstance(rate, bool) or not isinstance(rate, int) or not MIN_AUDIO_RATE <= rate <= MAX_AUDIO_RATE:
            raise ValueError(f"{cls.__name__}: sample_rate is {MIN_AUDIO_RATE} to {MAX_AUDIO_RATE} Hz, not {rate}")
        if seconds is not None and not (_is_number(seconds) and 0 < seconds < math.inf):
            raise ValueError(f"{cls.__name__}: buffer_seconds is a number above 0, or None; not {seconds}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class TrackSpec:
    """One declared track. ``rate`` is in Hz for audio and 0 for video; ``flow`` is the model's point of view."""

    name: str
    kind: TrackKind
    flow: TrackFlow
    rate: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrackPayload:
    """The data of one track in one :class:`Output`. ``metadata`` goes with each picture, or is a list with one for each."""

    data: NDArray[Any]
    _: KW_ONLY
    metadata: Metadata | list[Metadata] | None = None

    def encoded(self, frames: int) -> list[bytes | None]:
        """The metadata of each of ``frames`` pictures: bytes as they are, mappings as compact JSON.

        Raises :class:`InvalidArgumentError` for a list that does not fit the pictures, and for what JSON cannot say.
        """
        if not isinstance(self.metadata, list):
            return [_encoded(self.metadata)] * frames
        if np.ndim(self.data) != 4:
            raise InvalidArgumentError("a list of metadata belongs to a batch (N, H, W, 3): give a single picture one mapping")
        if len(self.metadata) != frames:
            raise InvalidArgumentError(f"{len(self.metadata)} entries of metadata for {frames} pictures")
        return [_encoded(entry) for entry in self.metadata]


def _encoded(metadata: Metadata | None) -> bytes | None:
    if metadata is None or isinstance(metadata, bytes):
        encoded = metadata
    else:
        try:
            encoded = json.dumps(plain(metadata, "metadata"), separators=(",", ":"), ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"the metadata is not JSON: {error}") from error
    if encoded is not None and len(encoded) > MAX_METADATA_BYTES:
        raise InvalidArgumentError(f"metadata has at most {MAX_METADATA_BYTES} bytes, not {len(encoded)}")
    return encoded


class TrackHolder:
    """A class whose annotations declare tracks."""

    _declared: ClassVar[dict[str, type[Track]] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._declared = None
        number_class(cls)
        # Models of reactor-runtime 2.x write @dataclass over their tracks, which leaves alone what a class has of its own.
        if "__init__" not in vars(cls):
            cls.__init__ = cls.__init__  # type: ignore[method-assign]
        _refuse_assigned(cls)
        try:
            cls.declared()
        except UnresolvedAnnotation:
            # It may name a track that comes later in the module: the contract asks again when the model is read.
            return

    @classmethod
    def declared(cls) -> dict[str, type[Track]]:
        """The tracks by name, in order of declaration. Raises TypeError when an annotation cannot be resolved."""
        if cls._declared is None:
            hints = hints_of(cls.__name__, cls)
            cls._declared = {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, Track)}
        return cls._declared

    @classmethod
    def specs(cls, flow: TrackFlow) -> list[TrackSpec]:
        """The tracks as the contract lists them."""
        return [
            TrackSpec(name, track.kind, flow, track.sample_rate if issubclass(track, Audio) else 0)
            for name, track in cls.declared().items()
        ]


def _refuse_assigned(holder: type[TrackHolder]) -> None:
    """``main_video = Video`` declares nothing, and looks as if it did."""
    for name, value in vars(holder).items():
        is_track = isinstance(value, Track) or (isinstance(value, type) and issubclass(value, Track))
        made_here = isinstance(value, type) and value.__qualname__.startswith(f"{holder.__qualname__}.")
        if is_track and not made_here:
            kind = (value if isinstance(value, type) else type(value)).__name__
            raise TypeError(f"{holder.__name__}.{name}: a track is an annotation: write `{name}: {kind}`")


class Output(TrackHolder):
    """What one step gives: declare the tracks as annotations, construct it with one array for each.

    Example: ``class Out(Output): main_video: Video`` and ``await self.emit(Out(main_video=rgb))``. Each track is an attribute
    that holds its array as it was given. Constructing it raises TypeError when the names are not exactly the declared tracks.
    """

    __metadata__: dict[str, Metadata | list[Metadata] | None]

    def __init__(self, *in_order: NDArray[Any] | TrackPayload, **payloads: NDArray[Any] | TrackPayload) -> None:
        declared = type(self).declared()
        if len(in_order) > len(declared):
            raise TypeError(f"{type(self).__name__} has the tracks {list(declared)}: {len(in_order)} were given")
        for name, payload in zip(declared, in_order, strict=False):
            if name in payloads:
                raise TypeError(f"{type(self).__name__}: {name} is given twice")
            payloads[name] = payload
        missing, extra = declared.keys() - payloads.keys(), payloads.keys() - declared.keys()
        if missing or extra:
            problems = [f"missing {sorted(missing)}"] * bool(missing) + [f"unknown {sorted(extra)}"] * bool(extra)
            raise TypeError(f"{type(self).__name__} has the tracks {list(declared)}: {', '.join(problems)}")
        tagged = {name: payload for name, payload in payloads.items() if isinstance(payload, TrackPayload)}
        # Not assigned: the author may have made a frozen dataclass of it.
        vars(self).update({name: tagged[name].data if name in tagged else payload for name, payload in payloads.items()})
        vars(self)["__metadata__"] = {name: payload.metadata for name, payload in tagged.items()}


# Functions, because a track may be called what a method of Output would be called.


def payloads_of(output: Output) -> dict[str, TrackPayload]:
    """What an output holds by track: its attributes as they are now, as arrays, each with its metadata."""
    metadata = output.__metadata__
    return {
        name: TrackPayload(np.asarray(getattr(output, name)), metadata=metadata.get(name)) for name in type(output).declared()
    }


def batch_of(output: Output) -> int | None:
    """How many frames an output carries, or None when it is a single frame.

    Raises :class:`InvalidArgumentError` when batched tracks disagree, or are empty.
    """
    kind = type(output)
    shapes = [np.shape(getattr(output, name)) for name, track in kind.declared().items() if track.kind == "video"]
    sizes = {shape[0] for shape in shapes if len(shape) == 4}
    if 0 in sizes:
        raise InvalidArgumentError(f"{kind.__name__}: a batch has at least one frame")
    if len(sizes) > 1:
        raise InvalidArgumentError(f"{kind.__name__}: batched tracks disagree on the number of frames: {sorted(sizes)}")
    return sizes.pop() if sizes else None


def sound_only(output: Output) -> float:
    """Seconds of sound in an output that has no frames, else 0."""
    declared = type(output).declared()
    lengths = [
        np.shape(getattr(output, name))[-1] / track.sample_rate
        for name, track in declared.items()
        if issubclass(track, Audio) and np.ndim(getattr(output, name))
    ]
    return max(lengths, default=0.0) if len(lengths) == len(declared) else 0.0


class MediaInput(TrackHolder):
    """What clients send: declare the tracks as annotations, and an attribute of this class on the model.

    Example: ``class In(MediaInput): camera: Video`` and on the model ``inputs: In``; then ``await self.inputs.camera.read()``.
    Each attribute is an :class:`reactor_runtime.InputBuffer`. A test gives buffers of its own: ``In(camera=InputBuffer())``.
    """

    def __init__(self, **buffers: Any) -> None:
        # Not assigned: the author may have made a frozen dataclass of it.
        vars(self).update(buffers)


Input = MediaInput
"""The same class, by its earlier name."""
