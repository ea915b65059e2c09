"""One client's conversation with the runtime, over a fake peer."""

import asyncio
import json

import pytest
from tests.reactor_runtime.runtime_support import House, opened

from reactor_protocol.messages import (
    ApplicationMessage,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    PauseTrack,
    PublishTrack,
    Refusal,
    RequestSchema,
    RuntimeMessage,
)

# ----------------------------------------------------------------------------------------------------- commands


async def test_a_command_with_a_request_id_gets_its_result() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        result = await visitor.command("set_level", level=7)
        assert result.reply == ApplicationMessage("level_set", {"level": 7})
        assert result.error is None
        assert isinstance(result.frame, int)
        assert visitor.said("level_set") == []


async def test_a_refused_command_says_why_and_the_session_lives_on() -> None:
    refused: list[tuple[str, dict[str, object], Refusal]] = [
        ("set_level", {"level": 256}, Refusal("invalid_command", "level: 256 > le(255)")),
        ("set_level", {"level": "5"}, Refusal("invalid_command", "level: expected integer, got str")),
        ("set_level", {}, Refusal("invalid_command", "missing required argument 'level'")),
        ("set_level", {"level": 1, "x": 1}, Refusal("invalid_command", "unexpected argument 'x'")),
        ("refuse", {}, Refusal("not_now", "Ask me later.")),
    ]
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for name, data, error in refused:
            assert (await visitor.command(name, **data)).error == error
            assert (await visitor.command("set_level", level=1)).error is None


async def test_an_unknown_command() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        error = (await visitor.command("bogus")).error
        assert error is not None
        assert error.code == "invalid_command"
        assert error.message.startswith("unknown command 'bogus'")


async def test_a_command_without_a_request_id_gets_nothing_but_its_reply() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for command in (Command("bogus"), Command("set_level"), Command("refuse"), Command("stand_still")):
            visitor.say(command)
        visitor.say(Command("set_level", {"level": 9}))
        assert await visitor.until_said("level_set") == {"level": 9}
        assert [type(message) for message in visitor.received] == [ApplicationMessage, ApplicationMessage]


async def test_an_answer_that_cannot_be_written_does_not_silence_a_client() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        rubbish = {"type": "\ud800", "request_id": "r\ud800"}
        visitor.say_raw("data", json.dumps({"scope": "application", "data": rubbish}))
        assert (await visitor.command("set_level", level=1)).error is None


async def test_a_frame_without_an_envelope_is_the_applications() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        visitor.say_raw("data", '{"type":"set_level","data":{"level":3.0}}')
        assert await visitor.until_said("level_set") == {"level": 3}


async def test_the_schema_is_given_on_request() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        visitor.say(RequestSchema())
        await visitor.changes.until(lambda: any(isinstance(m, RuntimeMessage) for m in visitor.received))
        (message,) = [m for m in visitor.received if isinstance(m, RuntimeMessage)]
        assert message.type == "modelSchema"
        assert message.data == (await house.http.get("/schema")).json()


RUBBISH: list[str | bytes] = [
    "",
    "nonsense",
    "[]",
    "null",
    "{}",
    '{"scope":"runtime","data":{"type":"unheard_of"}}',
    '{"scope":"nobody","data":{}}',
    '{"scope":"application","data":{"type":5}}',
    '{"type":"request","method":"publish_track"}',
    '{"type":"notification","event":"pause_track","data":{"name":7}}',
    '{"type":"notification","event":"pause_track","data":{"name":"bogus"}}',
    '{"type":"notification","event":"unpublish_track","data":{"name":"bogus"}}',
    "[" * 100_000,
    '{"x":1e999}',
    bytes(range(256)),
    b"",
    b"\xff" * 1000,
    b"{" + b"\xff" * 10,
    "x" * (256 * 1024),
]


@pytest.mark.parametrize("label", ["data", "control"])
async def test_rubbish_on_either_channel_does_not_end_the_connection(label: str) -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for payload in RUBBISH:
            visitor.say_raw(label, payload)
        assert (await visitor.command("set_level", level=1)).error is None
        assert visitor.closed == set()


# ------------------------------------------------------------------------------------------------------ uploads


async def reserve(house: House, data: bytes) -> FileRef:
    body = {"name": "a.png", "size": len(data), "mime_type": "image/png"}
    slot = (await house.http.post(f"{house.root.removesuffix('/transport/webrtc')}/uploads", json=body)).json()
    return FileRef(slot["presigned_id"], "a.png", "image/png", len(data))


async def test_a_command_waits_for_an_upload_that_arrives_late() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        ref = await reserve(house, b"abc")
        late = asyncio.create_task(visitor.command("see_file", {"file": ref}))
        await asyncio.sleep(0)
        assert (await house.http.put(f"/uploads/{ref.upload_id}", content=b"abc")).status_code == 200
        assert (await late).reply == ApplicationMessage("file_seen", {"file": "a.png", "size": 3})


async def test_an_upload_that_is_not_there() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        result = await visitor.command("see_file", {"file": FileRef("nope", "a", "b", 1)})
        assert result.error == Refusal("unresolved_upload", "this session has no upload nope")
        ref = await reserve(house, b"x")
        await house.http.put(f"/uploads/{ref.upload_id}", content=b"x")
        unexpected = await visitor.command("set_level", {"file": ref}, level=1)
        assert unexpected.error == Refusal("invalid_command", "unexpected argument 'file'")


async def test_a_file_that_is_announced_reaches_the_hook() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        ref = await reserve(house, b"abc")
        await house.http.put(f"/uploads/{ref.upload_id}", content=b"abc")
        visitor.say(FileUploaded(FileRef("nope", "", "", 0)))
        visitor.say(FileUploaded(ref))
        assert await visitor.until_said("file_seen") == {"file": "hook a.png", "size": 3}


# ------------------------------------------------------------------------------------------------------- limits


async def test_commands_that_come_faster_than_they_are_taken_are_refused() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        ref = await reserve(house, b"abc")
        visitor.say(Command("see_file", uploads={"file": ref}, request_id="first"))
        for number in range(300):
            visitor.say(Command("set_level", {"level": 1}, request_id=f"n{number}"))
        refused = await visitor.result("n299")
        assert refused == CommandResult("n299", error=Refusal("too_many_commands", "more than 256 commands are waiting"))
        await house.http.put(f"/uploads/{ref.upload_id}", content=b"abc")
        assert (await visitor.result("first")).error is None
        assert (await visitor.result("n0")).error is None


async def test_track_verbs_without_end_harm_nobody() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for number in range(400):
            visitor.say(PublishTrack(f"x{number}", "webcam"))
            visitor.say(PauseTrack("main"))
        assert (await visitor.command("set_level", level=1)).error is None
