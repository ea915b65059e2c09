"""From an action to the first picture that shows it, at a client on this machine: through runtime, WebRTC and codec.

The picture itself says when: its green dial shows how far the front wheels are turned, and turns with the first picture that is
made for a full turn of the wheel.
"""

import asyncio
import contextlib
import os
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import yaml
from measures import steering_dial
from pictures import Rgb

from reactor_cli.bench.runtime import loaded, started
from reactor_sdk import Reactor
from reactor_sdk.config import ENV_LOCAL_URL

HERE: Final = Path(__file__).resolve().parent
TURNED: Final = 0.8
"""Columns of the small picture that the dial moves by, at the least: one picture of a full turn moves it by two."""

_QUIET_PICTURES: Final = 6
_QUIET: Final = 1.2
_PERIOD_S: Final = 0.04
_SETTLE_S: Final = 4.0
_SHOW_S: Final = 1.0
_GAS: Final = 0.1
_PATIENCE: Final = 4


class NothingMoves(RuntimeError):
    """The pictures do not show what was done; the message says what was looked for."""


class Dial:
    """The steering dial of the pictures that arrive."""

    def __init__(self) -> None:
        self.last: deque[float] = deque(maxlen=_QUIET_PICTURES)
        self._seen = asyncio.Event()
        self._latest = (0.0, 0.0)

    def look(self, picture: Rgb) -> None:
        """Takes a picture, (H, W, 3)."""
        self._latest = (time.perf_counter(), steering_dial(picture))
        self.last.append(self._latest[1])
        self._seen.set()

    async def following(self) -> tuple[float, float]:
        """When the next picture came, and where its dial stands."""
        self._seen.clear()
        await self._seen.wait()
        return self._latest

    @property
    def quiet(self) -> bool:
        """Whether it has stood still for some pictures, but for a little trembling."""
        return len(self.last) == _QUIET_PICTURES and self.trembling < _QUIET

    @property
    def trembling(self) -> float:
        """The distance between the farthest of the last pictures, in columns."""
        return max(self.last) - min(self.last)


async def reactions(folder: Path, count: int, tell: Callable[[int], None], *, seed: int = 0) -> list[float]:
    """Milliseconds from sending a full turn of the wheel to the first picture that shows it, so many times.

    ``folder`` holds the model's manifest. Raises :class:`NothingMoves`, and what starting and connecting raise.
    """
    chance = random.Random(seed)
    async with started(folder) as running:
        await loaded(running.url)
        os.environ[ENV_LOCAL_URL] = running.url
        dial = Dial()
        async with Reactor("car-racing", local=True) as reactor:
            reactor.set_frame_callback(dial.look)
            await reactor.connect()
            taken: list[float] = []
            failures = 0
            while len(taken) < count:
                tell(len(taken))
                found = await _once(reactor, dial, 1.0 if len(taken) % 2 else -1.0, chance.random() * _PERIOD_S)
                if found is not None:
                    taken.append(found)
                    continue
                failures += 1
                if failures > _PATIENCE + count // 4:
                    raise NothingMoves("a full turn of the wheel is not seen on the steering dial: is this a trained world?")
                await reactor.send_command("reset", {})
    return taken


async def _once(reactor: Reactor, dial: Dial, side: float, pause_s: float) -> float | None:
    """One turn of the wheel, at a random moment between two pictures; None where the dial was never quiet, or did not turn."""
    await reactor.send_command("set_controls", {"steer": 0.0, "gas": _GAS, "brake": 0.0})
    dial.last.clear()
    try:
        async with asyncio.timeout(_SETTLE_S):
            while not dial.quiet:
                await dial.following()
    except TimeoutError:
        return None
    stood, far = statistics.median(dial.last), max(TURNED, dial.trembling)
    await asyncio.sleep(pause_s)
    began = time.perf_counter()
    command = asyncio.create_task(reactor.send_command("set_controls", {"steer": side, "gas": _GAS, "brake": 0.0}))
    try:
        async with asyncio.timeout(_SHOW_S):
            while True:
                at, stands = await dial.following()
                if (stands - stood) * side >= far:
                    return (at - began) * 1e3
    except TimeoutError:
        return None
    finally:
        await command


@contextlib.contextmanager
def playing(weights: Path) -> Iterator[Path]:
    """A folder that plays this example with other weights."""
    manifest = yaml.safe_load((HERE / "reactor.yaml").read_text(encoding="utf-8"))
    manifest["runtime"]["config"] = str(weights.resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in HERE.glob("*.py"):
            (folder / module.name).symlink_to(module)
        (folder / "reactor.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
        yield folder
