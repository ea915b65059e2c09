"""Commands, uploads and events: members of the documented class, against a model on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiortc.mediastreams import MediaStreamTrack
from tests.reactor_sdk.observer import Observer
from tests.reactor_sdk.waiting import until

from reactor_protocol.messages import ApplicationMessage
from reactor_sdk import (
    CommandRejected,
    FileRef,
    FrameInfo,
    InvalidArgumentError,
    InvalidStateError,
    MessageScope,
    MessageTooLargeError,
    Reactor,
    ReactorStatus,
    UnsupportedFileError,
    UploadError,
)
from reactor_testing.fake_coordinator import FakeCoordinator

network = pytest.mark.network

# --------------------------------------------------------------------------------------------------- send_command


@network
async def test_send_command_returns_the_reply_which_is_a_message_too(connected: Reactor) -> None:
    observer = Observer(connected)
    assert await connected.send_command("echo", {"n": 1, "f": 1.5, "s": "ü"}) == {
        "type": "echo",
        "data": {"n": 1, "f": 1.5, "s": "ü"},
    }
    assert observer.of("message") == [{"type": "echo", "data": {"n": 1, "f": 1.5, "s": "ü"}}]
    assert observer.of("runtime_message") == []
    assert await connected.send_command("silent", "{}") is None


@network
async def test_send_command_raises_what_the_model_refused(connected: Reactor) -> None:
    with pytest.raises(CommandRejected, match="refuse: the model does not want to") as caught:
        await connected.send_command("refuse", {})
    assert (caught.value.code, caught.value.command) == ("too_much", "refuse")
    with pytest.raises(CommandRejected, match="unknown command") as caught:
        await connected.send_command("no_such_command", {})
    assert caught.value.code == "invalid_command"
    assert connected.get_status() == "ready"


@network
async def test_send_command_without_acknowledgements_returns_none_at_once(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(acks=False)
    await reactor.connect()
    observer = Observer(reactor)
    assert await reactor.send_command("echo", {"n": 1}) is None
    assert await observer.until("message") == {"type": "echo", "data": {"n": 1}}
    assert fake.model.arrived.commands()[0].request_id is None


@network
async def test_send_command_with_wait_always_returns_a_reply(connected: Reactor) -> None:
    said = await connected.send_command("echo", {"n": 1}, wait="answered")
    assert (said, said.frame, said["data"]["n"]) == ({"type": "echo", "data": {"n": 1}}, 7, 1)
    nothing = await connected.send_command("silent", {}, wait="answered")
    assert (nothing, bool(nothing), nothing.frame) == ({}, False, 7)
    plain = await connected.send_command("echo", {"n": 1})
    assert plain is not None
    assert plain.frame == 7


@network
async def test_what_a_server_does_not_number_cannot_be_waited_for(fake: FakeCoordinator, connected: Reactor) -> None:
    with pytest.raises(InvalidStateError, match="a published or an older runtime, does not"):
        await connected.send_command("echo", {"n": 1}, wait="visible")
    assert fake.model.arrived.commands() == []
    async for frame, info in connected.frames("main_video", with_info=True):
        assert (frame.ndim, info) == (3, FrameInfo(None, None))
        break


@network
async def test_send_command_to_the_platform(connected: Reactor) -> None:
    observer = Observer(connected)
    assert await connected.send_command("requestSchema", {}, MessageScope.RUNTIME) is None
    assert await observer.until("runtime_message") == {"type": "modelSchema", "data": {"openapi": "3.1.0"}}


async def test_send_command_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match=r"disconnected: call connect\(\) first"):
        await reactor.send_command("echo", {})


@pytest.mark.parametrize("data", [None, 3, "[]", [1]])
async def test_send_command_with_data_that_is_no_object_is_refused(reactor: Reactor, data: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="must be a dict"):
        await reactor.send_command("echo", data)


@network
async def test_send_command_with_what_cannot_travel_is_refused(connected: Reactor) -> None:
    with pytest.raises(InvalidArgumentError, match="x is nan, for which JSON has no word"):
        await connected.send_command("echo", {"x": float("nan")})
    with pytest.raises(InvalidArgumentError, match="not JSON"):
        await connected.send_command("echo", {"x": object()})
    with pytest.raises(MessageTooLargeError, match="upload_file"):
        await connected.send_command("echo", {"x": "y" * 300_000})
    with pytest.raises(InvalidArgumentError, match="named by text"):
        await connected.send_command("", {})
    assert await connected.send_command("echo", {}) == {"type": "echo", "data": {}}


# ---------------------------------------------------------------------------------------------------- upload_file


@network
async def test_upload_file_gives_a_reference_for_commands(fake: FakeCoordinator, connected: Reactor, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"not really a cat")
    told: list[tuple[int, int]] = []
    reference = await connected.upload_file(path, on_progress=lambda sent, total: told.append((sent, total)))
    assert isinstance(reference, FileRef)
    assert (reference.name, reference.mime_type, reference.size) == ("cat.png", "image/png", 16)
    assert fake.uploads[reference.upload_id] == b"not really a cat"
    assert told == [(16, 16)]
    reply = await connected.send_command("echo", {"image": reference, "strength": 2})
    assert reply is not None
    uploaded = {"upload_id": reference.upload_id, "name": "cat.png", "mime_type": "image/png", "size": 16}
    assert reply["data"] == {"strength": 2, "uploads": {"image": uploaded}}
    notices = [message for message in fake.model.arrived.messages if type(message).__name__ == "FileUploaded"]
    assert len(notices) == 1


@network
async def test_upload_file_of_bytes_is_named_upload(connected: Reactor) -> None:
    reference = await connected.upload_file(b"123")
    assert (reference.name, reference.mime_type, reference.size) == ("upload", "application/octet-stream", 3)
    named = await connected.upload_file(b"123", name="a.jpg")
    assert (named.name, named.mime_type) == ("a.jpg", "image/jpeg")


async def test_upload_file_before_connecting_is_refused(reactor: Reactor) -> None:
    with pytest.raises(InvalidStateError, match=r"upload_file\(\).*connect\(\) first"):
        await reactor.upload_file(b"123")


@network
async def test_upload_file_that_cannot_be_uploaded(fake: FakeCoordinator, connected: Reactor, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    with pytest.raises(InvalidArgumentError, match="zero bytes"):
        await connected.upload_file(b"")
    with pytest.raises(UnsupportedFileError, match="directory"):
        await connected.upload_file(tmp_path)
    with text.open() as file, pytest.raises(UnsupportedFileError, match="text mode"):
        await connected.upload_file(file)  # type: ignore[arg-type]
    with pytest.raises(UploadError, match="missing.bin"):
        await connected.upload_file(tmp_path / "missing.bin")
    fake.fail_next("PUT /uploads/{id}", 500, "disk full")
    with pytest.raises(UploadError, match="disk full"):
        await connected.upload_file(b"123")
    assert (await connected.upload_file(text)).size == 5


# --------------------------------------------------------------------------------------------------------- events


@network
async def test_on_and_off(fake: FakeCoordinator, connected: Reactor) -> None:
    heard: list[dict[str, Any]] = []
    connected.on("message", heard.append)
    await connected.send_command("echo", {"n": 1})
    connected.off("message", heard.append)
    await connected.send_command("echo", {"n": 2})
    assert heard == [{"type": "echo", "data": {"n": 1}}]
    with pytest.raises(InvalidArgumentError, match="status_changed"):
        connected.on("picture", print)  # type: ignore[arg-type]


@network
async def test_event_message_comes_after_ready(fake: FakeCoordinator, reactor: Reactor) -> None:
    order: list[str] = []
    reactor.on("message", lambda message: order.append(message["type"]))
    reactor.on_status(ReactorStatus.READY)(lambda _status: order.append("ready"))
    create = fake.open

    def greeted(model_name: str) -> Any:
        session = create(model_name)
        session.model.greeting = ApplicationMessage("hello", {})
        return session

    fake.open = greeted  # type: ignore[method-assign]
    await reactor.connect()
    await until(lambda: len(order) == 2)
    assert order == ["ready", "hello"]


@network
async def test_event_runtime_message(fake: FakeCoordinator, connected: Reactor) -> None:
    observer = Observer(connected)
    fake.say("moderation", {"action": "warn"})
    assert await observer.until("runtime_message") == {"type": "moderation", "data": {"action": "warn"}}


@network
async def test_a_client_that_sends_too_much_hears_of_it(
    fake: FakeCoordinator, connected: Reactor, caplog: pytest.LogCaptureFixture
) -> None:
    observer = Observer(connected)
    body = {"reason": "this client sends more than is taken", "waiting": 7, "refused": 3}
    fake.say("rateLimited", body)
    assert await observer.until("runtime_message") == {"type": "rateLimited", "data": body}
    assert "the runtime slows this client down: this client sends more than is taken" in caplog.messages


@network
async def test_event_track_received_and_on_track(reactor: Reactor) -> None:
    heard: list[MediaStreamTrack] = []
    reactor.on_track("main_video")(heard.append)
    await reactor.connect()
    assert heard == [reactor.get_remote_tracks()["main_video"]]


@network
async def test_event_session_expiration_changed(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.change(extra={"expires_at": 4_000_000_000})
    observer = Observer(reactor)
    await reactor.connect()
    assert observer.of("session_expiration_changed") == [4_000_000_000.0]
