"""Models of the second generation of the authoring API (reactor-runtime 2.x), and how the first is recognised.

A flat manifest (``model: module:Class``) says that a model is of that generation. Six things differ from the third: that
manifest, ``load(config: dict)``, frames that are arrays, ``@dataclass`` over Output and Input, ``@event(dedupe=)`` and
``output_buffer``. The last three are understood of every model.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_origin

import numpy as np
import yaml
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_runtime.inputs import InputBuffer, InputFrame, ReadMode

FIRST_GENERATION: Final = (
    "VideoModel",
    "command",
    "model",
    "get_ctx",
    "MediaBundle",
    "TrackDirection",
    "OutputTrack",
    "InputTrack",
    "VideoOut",
    "AudioOut",
    "VideoIn",
    "AudioIn",
)
"""What models of reactor-runtime 1.x and older import, and later ones do not have."""

_IMPORTS_OF_FIRST: Final = re.compile(rf"from reactor_runtime(?:\.\w+)* import [^\n]*\b({'|'.join(FIRST_GENERATION)})\b")
_MISSING_NAME: Final = re.compile(r"cannot import name '(\w+)' from 'reactor_runtime")
_LONGEST_SOURCE: Final = 1 << 20
_MOST_SOURCES: Final = 64


def told_as_first(what: str) -> str:
    """The one line for a model that nobody serves any more."""
    return (
        f"{what} is written for reactor-runtime 1.x or older (VideoModel, @model, get_ctx), which is not served; those of 2.x "
        "and 3.x are: write it as a ReactorModel or a ReactorPipeline"
    )


def first_in(folder: Path) -> str | None:
    """The name of a file in a folder that holds a model of the first generation, if there is one."""
    for file in sorted(folder.glob("*.py"))[:_MOST_SOURCES]:
        if file.stat().st_size <= _LONGEST_SOURCE and _IMPORTS_OF_FIRST.search(file.read_text("utf-8", errors="replace")):
            return file.name
    return None


def is_of_first(error: BaseException) -> bool:
    """Whether an import has failed for want of a name of the first generation."""
    found = _MISSING_NAME.search(str(error))
    return isinstance(error, ImportError) and found is not None and found[1] in FIRST_GENERATION


def wants_mapping(model: type[Any]) -> bool:
    """Whether ``load`` says by its annotation that it takes the configuration itself, and not where it is."""
    parameters = list(inspect.signature(model.load).parameters.values())[1:]
    if not parameters:
        return False
    annotation = parameters[0].annotation
    if isinstance(annotation, str):
        return re.match(r"(typing\.)?(dict|Dict|Mapping)\b", annotation) is not None
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Mapping)


def read_configuration(file: Path | None) -> dict[str, Any]:
    """The model's configuration as 2.x gives it to ``load``: empty where the manifest names no file.

    References (``${...}``) are resolved by omegaconf, where it is installed. Raises :class:`InvalidArgumentError`.
    """
    if file is None:
        return {}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"the configuration {file} cannot be read: {error}") from error
    try:
        body = _resolved(file) if "${" in text else yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgumentError(f"the configuration {file} is not YAML: {' '.join(str(error).split())}") from error
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise InvalidArgumentError(f"the configuration {file} must be a mapping, not a {type(body).__name__}")
    return body


def _resolved(file: Path) -> Any:
    try:
        omegaconf = importlib.import_module("omegaconf").OmegaConf
    except ImportError:
        raise InvalidArgumentError(
            f"the configuration {file} has references (${{...}}): install omegaconf beside the model"
        ) from None
    return omegaconf.to_container(omegaconf.load(file), resolve=True)


class ArrayFrame(np.ndarray[Any, Any]):
    """A frame as both halves of 2.x know it: it is its array (until 2.4), and has ``data``, and ``pts`` in seconds (from 2.5)."""

    pts: float | None
    metadata: bytes | None
    capture_time_us: int | None

    def __array_finalize__(self, source: NDArray[Any] | None) -> None:
        for name in ("pts", "metadata", "capture_time_us"):
            setattr(self, name, getattr(source, name, None))

    @property
    def data(self) -> NDArray[Any]:  # type: ignore[override]
        """The array alone."""
        return self.view(np.ndarray)


def as_array(frame: InputFrame) -> ArrayFrame:
    """A frame that is an array."""
    array = frame.data.view(ArrayFrame)
    array.pts = None if frame.pts is None else frame.pts / 1_000_000
    array.metadata, array.capture_time_us = frame.metadata, frame.capture_time_us
    return array


class ArrayBuffer(InputBuffer):
    """An input track whose frames are arrays."""

    def try_read(self, n: int = 1, mode: ReadMode = ReadMode.LATEST) -> Any:
        """Exactly ``n`` frames, oldest first, or None when there are fewer. Raises ValueError above the capacity."""
        frames = super().try_read(n, mode)
        return None if frames is None else [as_array(frame) for frame in frames]
