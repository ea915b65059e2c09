"""What a viewer process brings home: raw samples, as one JSON document for each step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Connected:
    """One ``connect()`` in a process of its own. Milliseconds from the call, imports done before."""

    ready_ms: float
    first_frame_ms: float


@dataclass(frozen=True)
class Streamed:
    """Frames seen in one window of time.

    ``ages_ms``: age of each frame when the callback got it, in the order of arrival. ``unreadable``: frames without a
    legible clock. CPU times are seconds inside the window, over all threads; the client's is without the reading of
    the clock, which is the benchmark's own work.
    """

    ages_ms: list[float]
    unreadable: int
    window_s: float
    client_cpu_s: float
    runtime_cpu_s: float


@dataclass(frozen=True)
class Gathered:
    """What several viewers saw in one window of time.

    ``fps`` and ``joined_ms`` (from the first request to the first picture) are one for each viewer; ``ages_ms`` are of some of
    the pictures of all. ``runtime_cpu_s`` is in seconds inside the window, over all threads and processes of the runtime.
    """

    fps: list[float]
    ages_ms: list[float]
    joined_ms: list[float]
    runtime_cpu_s: float
    window_s: float


@dataclass(frozen=True)
class Commanded:
    """Milliseconds from the sending of each command to its answer."""

    round_trips_ms: list[float]


@dataclass(frozen=True)
class Busied:
    """Under a loop that is never idle: frames handed over in a window (seconds), and how long each command took (ms)."""

    frames: int
    window_s: float
    answers_ms: list[float]
