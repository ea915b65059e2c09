"""The walk from leg to leg: what is measured is judged, and the first leg that fails is the last that is walked."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from yarl import URL

from reactor_cli.doctor.facts import EngineFacts, Facts, FrameFacts, HttpFacts, Leg, LegName, Target, Verdict
from reactor_cli.doctor.network import ask_health, knock
from reactor_cli.doctor.verdicts import FAILED, SKIPPED, judge, skipped
from reactor_protocol.errors import InvalidArgumentError

Tell = Callable[[str], None]
"""Is told what is going on now."""

_LOADING_LOOK_S: Final = 0.25
_ENGINE_LIMIT_S: Final = 10.0
"""The engine is on this machine: how patient one is with the network has nothing to do with it."""
_NOT_WALKED: Final = Verdict(SKIPPED, "not reached")


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to, for how many seconds each leg may take, and as whom."""

    target: Target
    patience_s: float
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Plan({self.target}, {self.patience_s:g} s)"


def target_of(url: str, model: str | None = None) -> Target:
    """The target of an address. Raises :class:`InvalidArgumentError` for what is none."""
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise InvalidArgumentError(f"{url!r} is not an address: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or port is None:
        raise InvalidArgumentError(f"the address must begin with http:// or https://, got {url[:80]!r}")
    if parsed.user or parsed.password:
        raise InvalidArgumentError("the address must not hold a user or a password")
    return Target(url.rstrip("/"), parsed.host, port, model)


async def examine(plan: Plan, tell: Tell = lambda _text: None) -> AsyncGenerator[Leg, None]:
    """Each leg as soon as it is walked. What was begun is ended before the last one is given."""
    broken = False
    walk = _Walk(plan, tell)
    try:
        for name in LegName:
            verdict = _NOT_WALKED if broken else skipped(name, plan.target)
            if verdict is not None:
                yield Leg(name, verdict)
                continue
            tell(name)
            leg = await walk.walk(name)
            broken = leg.verdict.outcome == FAILED
            yield leg
    finally:
        await walk.close()


def summary(target: Target, legs: list[Leg]) -> dict[str, Any]:
    """The legs as a document."""
    failed = next((leg for leg in legs if leg.verdict.outcome == FAILED), None)
    return {
        "target": target.url,
        "model": target.model,
        "ok": failed is None,
        "failed": None if failed is None else failed.name,
        "cure": None if failed is None else failed.verdict.cure,
        "legs": [
            {
                "leg": leg.name,
                "outcome": leg.verdict.outcome,
                "ms": None if leg.took_ms is None else round(leg.took_ms, 1),
                "found": leg.verdict.found,
                "facts": None if leg.facts is None else asdict(leg.facts),
            }
            for leg in legs
        ],
    }


class _Walk:
    """Walks legs, in their order."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self._visit: Any = None
        self._http = HttpFacts()

    async def walk(self, name: LegName) -> Leg:
        began = time.perf_counter()
        facts = await self._steps()[name]()
        took = (time.perf_counter() - began) * 1e3
        if isinstance(facts, FrameFacts) and facts.arrived:
            # Counted after the leg's own time, which is that of the first picture.
            facts = replace(facts, fps=await self._visit.frames_per_second())
        return Leg(name, judge(name, facts, self._plan.target), took, facts)

    def _steps(self) -> dict[LegName, Callable[[], Awaitable[Facts]]]:
        plan, visit = self._plan, self._visit
        steps: dict[LegName, Callable[[], Awaitable[Facts]]] = {
            LegName.ENGINE: self._engine,
            LegName.PORT: lambda: knock(plan.target, plan.patience_s),
            LegName.HTTP: self._ask_health,
            LegName.MODEL: self._model,
        }
        if visit is None:
            return steps
        return {
            **steps,
            LegName.TOKEN: visit.token,
            LegName.QUEUE: lambda: visit.queue(lambda place, waiting: self._tell(f"queue: place {place} of {waiting}")),
            LegName.ICE: visit.ice,
            LegName.DTLS: visit.dtls,
            LegName.CHANNEL: visit.channel,
            LegName.FRAME: visit.frame,
        }

    async def _engine(self) -> EngineFacts:
        try:
            # Loaded here: that it cannot be loaded is something to find out.
            engine = importlib.import_module("reactor_cli.doctor.engine")
            path = importlib.import_module("reactor_cli.doctor.path")
        except (ImportError, OSError) as error:
            return EngineFacts(failure=str(error), loaded=False)
        self._visit = path.Visit(self._plan.target, self._plan.patience_s, self._plan.api_key)
        facts: EngineFacts = await engine.try_engine(_ENGINE_LIMIT_S)
        return facts

    async def _ask_health(self) -> HttpFacts:
        self._http = await ask_health(self._plan.target, self._plan.patience_s)
        return self._http

    async def _model(self) -> Facts:
        if self._plan.target.hosted:
            facts: Facts = await self._visit.model()
            return facts
        until = time.monotonic() + self._plan.patience_s
        while self._http.state == "loading" and time.monotonic() < until:
            self._tell("model: it is being loaded")
            await asyncio.sleep(_LOADING_LOOK_S)
            self._http = await ask_health(self._plan.target, self._plan.patience_s)
        return self._http

    async def close(self) -> None:
        """Ends what was begun."""
        if self._visit is not None:
            trouble = await self._visit.close()
            if trouble is not None:
                self._tell(trouble)
