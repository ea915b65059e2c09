"""A message that cannot be sent raises where it was sent from, whichever way it goes."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from reactor_runtime import ClientInfo, CommandError, ModelMessage, ReactorModel, event
from reactor_testing.rehearsal import Rehearsal


class Score(ModelMessage):
    value: float


class Judge(ReactorModel):
    async def run(self) -> None:
        await asyncio.Event().wait()

    @event(name="tell_all")
    async def tell_all(self) -> None:
        try:
            await self.send(Score(float("nan")))
        except TypeError as error:
            raise CommandError("not_sent", str(error)) from error

    @event(name="tell_me")
    async def tell_me(self, client: ClientInfo) -> None:
        try:
            await client.send(Score(float("inf")))
        except TypeError as error:
            raise CommandError("not_sent", str(error)) from error

    @event(name="answer")
    async def answer(self, value: float) -> Score:
        return Score(np.float32(value) if value else float("nan"))  # type: ignore[arg-type]


def test_it_raises_in_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    with Rehearsal(Judge) as stage:
        client = stage.join()
        for command, value in (("tell_all", "nan"), ("tell_me", "inf")):
            with pytest.raises(CommandError, match=f"Score cannot be sent: Score.value is {value}, for which JSON has no word"):
                client.send(command)
        assert client.messages == []
        assert client.send("answer", {"value": 0.5}) == {"value": 0.5}
        with pytest.raises(CommandError) as refused:
            client.send("answer", {"value": 0})
        assert refused.value.code == "internal_error"
    assert "Score.value is nan" in caplog.text
