"""``python -m benchmarks.crossing``: frames and commands of a model in a process of its own, beside one in the server's process.

In turns, so that both meet the same noise. A frame's time is from its conversion to its arrival in the server; a command's from
the call to its answer, while frames go on.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage
from reactor_runtime.config import ModelSettings, Settings, read_manifest
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo
from reactor_runtime.hosting import Host
from reactor_runtime.inline import InlineHost
from reactor_runtime.isolation.host import IsolatedHost
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport

MODEL = Path(__file__).parent / "model"
FRAME_BUDGET_MS = 1.0
COMMAND_BUDGET_MS = 0.3
_PAUSE_S = 0.004
_SWITCH_INTERVAL_S = 0.0005


class Owner:
    """Keeps how long each frame was on its way, in milliseconds."""

    def __init__(self) -> None:
        self.frames_ms: list[float] = []

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        if plan.made is not None:
            self.frames_ms.append((time.monotonic() - plan.made.at) * 1000)

    def frames_flushed(self) -> None:
        """Nothing is flushed here."""

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        """Nothing is said here but replies."""

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None:
        """Steps are not counted here."""

    def model_lost(self, error: ModelFailedError) -> None:
        raise error

    def model_restored(self, description: ModelDescription, load_s: float) -> None:
        """It is never lost."""

    def model_stopped(self, error: ModelFailedError) -> None:
        raise error


class Side:
    """One way to run the model, and what was measured."""

    def __init__(self, title: str, *, isolate: bool) -> None:
        self.title = title
        self.owner = Owner()
        self.commands_ms: list[float] = []
        manifest = read_manifest(MODEL)
        settings = Settings(model=ModelSettings(isolate=isolate))
        self.host: Host = IsolatedHost(manifest, settings, self.owner) if isolate else InlineHost(manifest, self.owner)
        self._client = ClientInfo(1002, time.monotonic())

    async def begin(self) -> None:
        """Loads the model and begins a session; nobody is connected, so that no frame is made."""
        await self.host.load()
        await self.host.begin_session("crossing")

    async def measure(self, seconds: float) -> None:
        """Shows frames, and sends commands meanwhile."""
        await self.host.client_joined(self._client)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            outcome = await self.host.dispatch("ping", {"count": 1}, {}, {}, self._client)
            self.commands_ms.append((time.perf_counter() - began) * 1000)
            assert outcome.reply is not None
            await asyncio.sleep(_PAUSE_S)
        await self.host.client_left(self._client)

    def figures(self) -> dict[str, float]:
        """Medians and 95th percentiles, milliseconds."""
        found = {}
        for name, values in (("frame", self.owner.frames_ms), ("command", self.commands_ms)):
            found[f"{name}_p50_ms"] = statistics.median(values)
            found[f"{name}_p95_ms"] = statistics.quantiles(values, n=20)[18]
        return found


async def measure(rounds: int, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """The figures of both sides, inline first."""
    sides = Side("inline", isolate=False), Side("isolated", isolate=True)
    try:
        for side in sides:
            await side.begin()
        for _ in range(rounds):
            for side in sides:
                await side.measure(seconds)
    finally:
        for side in sides:
            await side.host.close()
    return sides[0].figures(), sides[1].figures()


def main(arguments: list[str] | None = None) -> int:
    """Measures, shows the table, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each of them has its turn (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a turn is (4)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args(arguments)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    inline, isolated = asyncio.run(measure(asked.rounds, asked.seconds))
    table = Table(title="a model in a process of its own", title_justify="left")
    for column in ("figure", "unit", "budget of the crossing", "inline", "isolated", "crossing"):
        table.add_column(column, justify="left" if column in ("figure", "unit") else "right")
    for name, budget in (("frame", FRAME_BUDGET_MS), ("command", COMMAND_BUDGET_MS)):
        for point in ("p50", "p95"):
            near, far = inline[f"{name}_{point}_ms"], isolated[f"{name}_{point}_ms"]
            shown = f"{budget:g}" if point == "p50" else ""
            table.add_row(f"{name}, {point}", "ms", shown, f"{near:.2f}", f"{far:.2f}", f"{far - near:+.2f}")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"inline": inline, "isolated": isolated}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
