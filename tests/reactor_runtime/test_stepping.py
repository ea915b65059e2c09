"""Sessions whose steps are asked for one by one (reference: runtime, 3.2, 5.4), with the model in this process and in its own."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest
from tests.reactor_runtime.binary_visitor import BinaryVisitor
from tests.reactor_runtime.runtime_support import MODELS, STUDIO, House, opened
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import (
    ApplicationMessage,
    Command,
    RequestClip,
    RequestStep,
    StepFrame,
    StepResult,
    StepTrack,
)
from reactor_protocol.messages import ClipFailed as Failed
from reactor_runtime.config import Manifest, ModelSettings, Settings

STEPPER = Manifest(MODELS, "stepper_model:Stepper", "stepper", None)
STEPPED = {"generation": "stepped"}


async def begin(house: House, body: dict[str, Any]) -> httpx.Response:
    return await house.http.post("/start_session", json=body)


async def joined(house: House, **how: Any) -> BinaryVisitor:
    visitor = BinaryVisitor(house.http, house.factory, **how)
    visitor.root = house.root
    await visitor.connect()
    return visitor


async def step(visitor: BinaryVisitor, request: RequestStep) -> StepResult:
    visitor.say(request)

    def answers() -> list[StepResult]:
        return [m for m in visitor.received if isinstance(m, StepResult) and m.request_id == request.request_id]

    await visitor.changes.until(answers, seconds=20)
    return answers()[0]


def raw(level: int, width: int = 8, height: int = 4) -> StepFrame:
    return StepFrame("raw", "uint8", (height, width, 3), bytes([level]) * (height * width * 3))


def level_of(result: StepResult) -> int:
    (track,) = result.tracks
    (frame,) = track.frames
    assert (track.track, track.kind, frame.encoding, frame.dtype, frame.shape) == ("main", "video", "raw", "uint8", (4, 8, 3))
    return round(float(np.frombuffer(frame.data, np.uint8).mean()))


async def test_steps_are_taken_when_they_are_asked_for_and_carry_what_they_made() -> None:
    async with opened(STEPPER) as house:
        response = await begin(house, STEPPED)
        assert response.json()["generation"] == "stepped"
        assert response.json()["step_results"] == {"enabled": False}
        visitor = await joined(house)
        for number in (1, 2, 3):
            result = await step(visitor, RequestStep(f"s{number}", {"level": 50 * number}))
            assert (result.step, result.error, result.failure) == (number, None, None)
            assert level_of(result) == 50 * number
            assert result.tracks[0].rate > 0
            assert result.elapsed_s > 0


async def test_nothing_flows_and_nothing_is_recorded() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        visitor.resume()
        picture = asyncio.create_task(visitor.picture())
        await step(visitor, RequestStep("s1"))
        await step(visitor, RequestStep("s2"))
        assert not picture.done()
        picture.cancel()
        visitor.say(RequestClip(1.0, "c1"))
        await visitor.changes.until(lambda: any(isinstance(m, Failed) for m in visitor.received))
        (failed,) = [m for m in visitor.received if isinstance(m, Failed)]
        assert failed.reason == "a stepped session is not recorded, so it has no clips"


async def test_commands_and_media_of_a_request_are_applied_before_its_step() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        media = (
            StepTrack("webcam", "video", (raw(100), raw(50)), 30.0),
            StepTrack("voice", "audio", (StepFrame("raw", "int16", (1, 480), bytes(960)),), 48_000.0),
        )
        result = await step(visitor, RequestStep("s1", {"level": 7}, (Command("note", {"text": "hi"}),), media))
        assert level_of(result) == 7
        assert result.tracks[0].frames[0].metadata == b'{"seen":150,"heard":480}'
        order = [
            type(m) for m in visitor.received if isinstance(m, StepResult) or m == ApplicationMessage("noted", {"text": "hi"})
        ]
        assert order == [ApplicationMessage, StepResult], "replies come first, as messages without an id"


REFUSED: list[tuple[RequestStep, str, str | None, str | None]] = [
    (RequestStep("r", {"level": 999}), "level: 999 > le(255)", "invalid_command", "state.level"),
    (RequestStep("r", {"bogus": 1}), "unknown command 'set_bogus'", "invalid_command", "state.bogus"),
    (RequestStep("r", {}, (Command("note", {"text": "a"}), Command("note"))), "missing", "invalid_command", "commands[1]"),
    (RequestStep("r", {}, (), (StepTrack("bogus", "video"),)), "no input track 'bogus'", None, "media_input[0]"),
    (RequestStep("r", {}, (), (StepTrack("main", "video"),)), "no input track 'main'", None, "media_input[0]"),
    (RequestStep("r", {}, (), (StepTrack("voice", "video"),)), "carries audio", None, "media_input[0]"),
    (
        RequestStep("r", {}, (), (StepTrack("webcam", "video"), StepTrack("webcam", "video"))),
        "given twice",
        None,
        "media_input[1]",
    ),
    (RequestStep("r", {}, (), (StepTrack("webcam", "video", (raw(1),) * 129),)), "129 frames", None, "media_input[0]"),
    (
        RequestStep("r", {}, (), (StepTrack("webcam", "video", (raw(1), StepFrame("raw", "uint8", (4, 8, 3), b"x"))),)),
        "is 96 bytes, and 1 came",
        None,
        "media_input[0].frames[1]",
    ),
    (
        RequestStep("r", {}, (), (StepTrack("webcam", "video", (StepFrame("h264", "", (), b"\0\0\1\x09"),)),)),
        "",
        None,
        "media_input[0].frames[0]",
    ),
    (RequestStep("r", {"level": 13}), "13 is not a level", None, None),
    (RequestStep("r", {str(number): 1 for number in range(257)}), "at most 256", None, None),
]


async def test_what_cannot_be_applied_is_refused_and_nothing_of_it_is() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        for number, (request, text, code, entry) in enumerate(REFUSED):
            result = await step(visitor, RequestStep(f"r{number}", request.state, request.commands, request.media))
            assert result.failure == "refused", number
            assert result.error is not None
            assert text in result.error
            assert (result.code, result.entry, result.step) == (code, entry, 0)
        assert visitor.said("noted") == []
        done = await step(visitor, RequestStep("ok", {"level": 1}))
        assert (done.step, done.tracks[0].frames[0].metadata) == (1, b'{"seen":0,"heard":0}')


async def test_a_command_that_fails_and_a_step_that_fails() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        commands = (Command("refuse"), Command("note", {"text": "never"}))
        failed = await step(visitor, RequestStep("s1", {"level": 5}, commands))
        assert (failed.failure, failed.code, failed.error) == ("command_failed", "not_now", "Ask me later.")
        assert (failed.entry, failed.step) == ("commands[0]", 0)
        assert visitor.said("noted") == []
        reported = await step(visitor, RequestStep("s2", {"level": 99}))
        assert (reported.failure, reported.error, reported.step, reported.tracks) == ("failed", "99 is too much", 1, ())
        large = await step(visitor, RequestStep("s3", {"level": 200}))
        assert (large.failure, large.step, large.tracks) == ("result_too_large", 2, ())
        assert large.error == "the step made 13200020 bytes, and a result carries 12582912 at most"


async def test_a_session_that_streams_and_a_client_without_chunking_take_no_steps() -> None:
    async with opened(STEPPER) as house:
        await begin(house, {})
        streamed = await step(await joined(house), RequestStep("s1"))
        assert (streamed.failure, streamed.error) == ("refused", "this session streams: it takes no steps on request")
        await house.http.post("/stop_session")
        await begin(house, STEPPED)
        plain = await step(await joined(house, chunks=None), RequestStep("s1"))
        assert (plain.failure, plain.error) == ("refused", "steps need data channels with chunking")


async def test_requests_of_several_clients_are_done_one_at_a_time() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        first, second = await joined(house), await joined(house)
        work = [step(visitor, RequestStep(f"s{n}", {"level": n})) for n in range(1, 11) for visitor in (first, second)]
        results = await asyncio.gather(*work)
        assert sorted(result.step for result in results) == list(range(1, 21))


async def test_a_request_of_several_megabytes_arrives() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        media = (StepTrack("webcam", "video", (raw(90, 1280, 720), raw(30, 1280, 720)), 30.0),)
        result = await step(visitor, RequestStep("s1", {"level": 1}, (), media))
        assert result.tracks[0].frames[0].metadata == b'{"seen":120,"heard":0}'


@pytest.mark.parametrize("steps", [1, 5])
async def test_a_session_of_so_many_steps_needs_nobody_and_ends_itself(steps: int) -> None:
    async with opened(STEPPER) as house:
        assert (await begin(house, {"steps": steps, "starting_input": {"state": {"level": 3}}})).json()["state"] == "streaming"
        await house.until("ready")
        ended = house.runtime.table.ended
        assert ended is not None
        assert ended.reason == "Session ended: the requested steps are complete."


async def test_a_starting_input_comes_before_everything_else() -> None:
    async with opened(STEPPER) as house:
        given = {"state": {"level": 40}, "commands": [{"command": "note", "data": {"text": "hi"}}]}
        await begin(house, {**STEPPED, "starting_input": given})
        visitor = await joined(house)
        assert level_of(await step(visitor, RequestStep("s1"))) == 40
        assert (await house.http.get("/session")).json()["starting_input"] == {"applied": 2}
        await house.http.post("/stop_session")
        assert "starting_input" not in (await house.http.get("/session")).json()


async def test_a_file_of_the_starting_input_may_come_after_the_start() -> None:
    async with opened(STEPPER) as house:
        given = {"state": {"picture": {"upload_id": "u1"}, "level": 8}}
        assert (await begin(house, {**STEPPED, "starting_input": given})).status_code == 200
        visitor = await joined(house)
        waiting = asyncio.create_task(step(visitor, RequestStep("s1")))
        root = house.root.removesuffix("/transport/webrtc")
        body = {"name": "a.png", "size": 3, "mime_type": "image/png", "upload_id": "u1"}
        assert (await house.http.post(f"{root}/uploads", json=body)).status_code == 201
        assert not waiting.done()
        assert (await house.http.put("/uploads/u1", content=b"abc")).status_code == 200
        assert level_of(await waiting) == 8


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"generation": "jumped"}, "generation is 'streamed' or 'stepped'"),
    ({"steps": 0}, "steps is a whole number of 1 to 10000"),
    ({"steps": 10_001}, "steps is a whole number of 1 to 10000"),
    ({"steps": True}, "steps is a whole number of 1 to 10000"),
    ({"steps": 1.5}, "steps is a whole number of 1 to 10000"),
    ({"starting_input": []}, "starting_input is an object"),
    ({"starting_input": {"stat": {}}}, "starting_input has no 'stat'"),
    ({"starting_input": {"commands": {"a": 1}}}, "starting_input.commands is a list"),
    ({"starting_input": {"commands": [{"command": 1}]}}, "starting_input.commands[0].command is the name of a command"),
    ({"starting_input": {"commands": [{"command": "note", "x": 1}]}}, "starting_input.commands[0] has no 'x'"),
    ({"starting_input": {"state": {"level": -1}}}, "starting_input.state.level is refused: level: -1 < ge(0)"),
    ({"starting_input": {"commands": [{"command": "no"}]}}, "starting_input.commands[0] is refused: unknown command 'no'"),
]


async def test_terms_that_cannot_be_kept_are_400_and_begin_nothing() -> None:
    async with opened(STEPPER) as house:
        for body, text in MISTAKES:
            response = await begin(house, body)
            assert response.status_code == 400, body
            assert response.json()["detail"].startswith(text)
            assert house.runtime.table.state == "ready"


async def test_a_model_with_a_run_of_its_own_takes_no_steps_on_request() -> None:
    async with opened(STUDIO) as house:
        response = await begin(house, STEPPED)
        assert (response.status_code, response.json()["detail"]) == (
            400,
            "generation: studio has a run() of its own, which takes no steps on request",
        )


async def test_the_next_session_streams_again() -> None:
    async with opened(STEPPER) as house:
        await begin(house, STEPPED)
        await joined(house)
        await house.http.post("/stop_session")
        await house.start()
        visitor = await house.welcome()
        visitor.resume()
        await visitor.picture(0)


async def test_a_model_in_a_process_of_its_own_takes_steps_too() -> None:
    async with opened(STEPPER, Settings(model=ModelSettings(isolate=True))) as house:
        await begin(house, {**STEPPED, "starting_input": {"state": {"level": 40}}})
        visitor = await joined(house)
        media = (StepTrack("webcam", "video", (raw(100),), 30.0),)
        result = await step(visitor, RequestStep("s1", {}, (), media))
        assert level_of(result) == 40
        assert result.tracks[0].frames[0].metadata == b'{"seen":100,"heard":0}'
        refused = await step(visitor, RequestStep("s2", {"level": 999}))
        assert (refused.failure, refused.entry) == ("refused", "state.level")
        await house.http.post("/stop_session")
        await begin(house, {"steps": 3})
        await house.until("ready")


async def test_a_step_that_is_under_way_when_the_session_ends_is_answered() -> None:
    async with opened(STEPPER) as house:
        await begin(house, {**STEPPED, "starting_input": {"state": {"picture": {"upload_id": "never"}}}})
        visitor = await joined(house)
        waiting = asyncio.create_task(step(visitor, RequestStep("s1")))

        async def asked() -> bool:
            return house.runtime.stepping.asked == 1

        await poll(asked, seconds=20)
        assert (await house.http.get("/session")).json()["starting_input"] == {"applied": 0}
        await house.http.post("/stop_session")
        assert (await waiting).failure == "session_ended"
