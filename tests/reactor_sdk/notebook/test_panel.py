"""A client's panel: from the page to the model and back, without a kernel."""

from __future__ import annotations

import asyncio

import pytest
from tests.reactor_sdk.notebook.page import Page
from tests.reactor_sdk.waiting import until

from reactor_sdk import InvalidArgumentError, Reactor
from reactor_sdk.notebook.page_uploads import MAX_FILE_BYTES, PageFile, PageUploads
from reactor_sdk.notebook.panel import MAX_WAITING, Panel, PanelOptions
from reactor_testing.fake_coordinator import FakeCoordinator


async def test_a_page_learns_the_state_the_schema_and_the_picture(reactor: Reactor, page: Page, panel: Panel) -> None:
    assert page.messages[0] == {
        "type": "state",
        "title": "echo",
        "status": "disconnected",
        "queue": None,
        "tracks": [],
        "track": None,
    }
    await reactor.connect()
    ready = await page.until("state", lambda state: state["status"] == "ready")
    assert (ready["tracks"], ready["track"]) == (["main_video"], "main_video")
    assert (await page.until("schema"))["schema"] == {"openapi": "3.1.0"}
    frame = await page.until("frame")
    assert (frame["number"], frame["width"], frame["height"]) == (1, 320, 180)
    assert page.parts[page.messages.index(frame)][0][:3] == b"\xff\xd8\xff"  # a JPEG file begins with SOI and a marker


async def test_the_next_picture_comes_when_the_last_was_drawn(reactor: Reactor, page: Page, panel: Panel) -> None:
    await reactor.connect()
    await page.until("frame")
    async with asyncio.timeout(20):
        stream = reactor.frames()
        for _ in range(10):  # a third of a second of pictures, none of which the page has asked for
            await anext(stream)
    assert [frame["number"] for frame in page.of("frame")] == [1]
    panel.receive({"type": "drawn", "number": 1})
    await page.until("frame", lambda frame: frame["number"] == 2)


async def test_a_command_reaches_the_model_and_its_reply_the_page(reactor: Reactor, page: Page, panel: Panel) -> None:
    await reactor.connect()
    panel.receive({"type": "command", "id": 5, "name": "echo", "data": {"text": "hi", "count": 3}})
    answer = await page.answer(5)
    assert answer["reply"] == {"type": "echo", "data": {"text": "hi", "count": 3}}


async def test_round_trips_of_commands_are_kept(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor_sdk.history.SAMPLE_PERIOD_S", 0.01)
    await reactor.connect()
    await reactor.send_command("silent", {})
    await until(lambda: any(0 < (sample.command_rtt or 0) < 20 for sample in reactor.stats_history()), 20)
    assert {sample.rtt for sample in reactor.stats_history()} == {0.001}


async def test_a_refusal_is_told_with_its_code(reactor: Reactor, page: Page, panel: Panel) -> None:
    await reactor.connect()
    panel.receive({"type": "command", "id": 6, "name": "refuse", "data": {}})
    assert (await page.answer(6))["error"] == {"code": "too_much", "message": "refuse: the model does not want to"}


async def test_a_command_before_connecting_is_refused(page: Page, panel: Panel) -> None:
    panel.receive({"type": "command", "id": 1, "name": "echo", "data": {}})
    assert (await page.answer(1))["error"]["code"] == "INVALID_STATE"


async def test_a_file_comes_in_parts_and_goes_with_a_command(
    reactor: Reactor, page: Page, panel: Panel, fake: FakeCoordinator
) -> None:
    await reactor.connect()
    about = {"type": "upload", "key": "k", "name": "a.png", "mime_type": "image/png", "size": 6}
    panel.receive({**about, "id": 1}, [b"abc"])
    assert (await page.answer(1))["reply"] is None
    panel.receive({**about, "id": 2}, [memoryview(b"def")])
    sent = (await page.answer(2))["reply"]
    assert (sent["name"], sent["mime_type"], sent["size"]) == ("a.png", "image/png", 6)
    assert list(fake.uploads.values()) == [b"abcdef"]
    panel.receive({"type": "command", "id": 3, "name": "echo", "data": {"image": sent, "strength": 1}})
    assert (await page.answer(3))["reply"]["data"] == {"strength": 1, "uploads": {"image": sent}}


async def test_a_lost_connection_is_shown_and_stops_the_pictures(
    reactor: Reactor, page: Page, panel: Panel, fake: FakeCoordinator
) -> None:
    await reactor.connect()
    await page.until("frame")
    await fake.model.drop()
    await page.until("error", lambda error: error["code"] == "GPU_CONNECTION_ERROR")
    await until(lambda: page.of("state")[-1]["status"] == "disconnected", 20)
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("reactor.pictures")], 20)
    shown = len(page.of("frame"))
    panel.receive({"type": "drawn", "number": 1})
    await reactor.reconnect()
    await page.until("frame", lambda frame: frame["number"] == shown + 1)
    assert [sample.connected for sample in reactor.stats_history()].count(False) == 1


async def test_a_panel_that_is_closed_hears_and_does_nothing(reactor: Reactor, page: Page) -> None:
    panel = Panel(reactor, reactor._link.frames, "echo", page.send, PanelOptions())
    panel.receive({"type": "hello"})
    await reactor.connect()
    await page.until("frame")
    await panel.close()
    said = len(page.messages)
    await reactor.disconnect()
    assert len(page.messages) == said
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith(("reactor.panel", "reactor.pictures"))] == []


async def test_commands_that_wait_are_bounded(reactor: Reactor, page: Page, panel: Panel) -> None:
    await reactor.connect()
    for number in range(MAX_WAITING + 1):
        panel.receive({"type": "command", "id": number, "name": "echo", "data": {}})
    assert (await page.answer(MAX_WAITING))["error"]["code"] == "INVALID_STATE"
    assert "error" not in await page.answer(MAX_WAITING - 1)


@pytest.mark.parametrize(
    "message",
    [None, [], {}, {"type": "command"}, {"type": "command", "id": "1", "name": "echo", "data": {}}, {"type": "drawn"}],
)
async def test_what_makes_no_sense_is_ignored(page: Page, panel: Panel, message: object) -> None:
    said = len(page.messages)
    panel.receive(message)
    assert len(page.messages) == said


def test_uploads_are_bounded() -> None:
    uploads = PageUploads()
    with pytest.raises(InvalidArgumentError, match="1 to 67108864"):
        uploads.take("a", PageFile("a", "", MAX_FILE_BYTES + 1), b"x")
    with pytest.raises(InvalidArgumentError, match="other parts"):
        uploads.take("b", PageFile("b", "", 2), b"xyz")
    for key in "cdef":
        uploads.take(key, PageFile(key, "", 2), b"x")
    with pytest.raises(InvalidArgumentError, match="4 files"):
        uploads.take("g", PageFile("g", "", 2), b"x")


def test_a_reference_that_no_file_of_this_page_has_stays_what_it_is() -> None:
    assert PageUploads().resolved({"image": {"upload_id": "stranger"}}) == {"image": {"upload_id": "stranger"}}


@pytest.mark.parametrize(("fps", "width"), [(0.0, 960), (31.0, 960), (15.0, 8), (15.0, 5000)])
def test_options_that_make_no_sense_are_refused(fps: float, width: int) -> None:
    with pytest.raises(InvalidArgumentError):
        PanelOptions(None, fps, width)
