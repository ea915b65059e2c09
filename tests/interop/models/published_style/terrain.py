"""What the models of this folder say and show, beside the modules that use it, as authors of the published runtime do."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from reactor_runtime import InputField, InputState, MessageField, ModelMessage, Output, Video

if TYPE_CHECKING:
    import numpy as np

SEED = InputField(default=7, ge=0, le=99, description="Where the world begins.")
PLACE = MessageField(description="Where the world is.")


class View(Output):
    """What a visitor sees."""

    main_video: Video


class Journal(ModelMessage):
    """Emitted when it is asked for."""

    entries: list[str] = MessageField(description="What happened, in order.")


class Arrived(ModelMessage):
    """Emitted when somebody has come."""

    place: int = PLACE


class Moved(ModelMessage):
    """Emitted when the world has moved."""

    place: int = PLACE
    heading: Literal["north", "south"] = MessageField(default="north", description="The way it went.")


class Engine:
    """Nothing that a wire knows."""


class RoamerState(InputState):
    """What visitors set."""

    pace: int = InputField(default=1, ge=1, le=5, description="Steps a move.")
    caption: str | None = InputField(default=None, max_length=20, description="A line below.", moderate=True)
    gain: float = None  # type: ignore[assignment]
    _seed: np.ndarray | None = None
    _engine: Engine = Engine()
    _steps: int = "none yet"  # type: ignore[assignment]
    _visited: list[int] = field(default_factory=list)
