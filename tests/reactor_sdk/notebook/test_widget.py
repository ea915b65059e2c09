"""The widget as a notebook sees it: what is saved of it, and its life."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets import Widget
from tests.reactor_sdk.notebook.test_plots import hide
from tests.reactor_sdk.waiting import until

from reactor_sdk import InvalidStateError, MissingExtraError, Reactor
from reactor_sdk.notebook import display
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a notebook: this process is a kernel."""
    monkeypatch.setattr(display, "in_kernel", lambda: True)
    yield
    Widget.close_all()


async def test_what_is_saved_is_code_and_style_alone(kernel: None, reactor: Reactor, fake: FakeCoordinator) -> None:
    widget = reactor.widget()
    sent: list[Any] = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._handle_custom_msg({"type": "hello"}, [])
    await reactor.connect()
    await until(lambda: [each for each in sent if each["type"] == "frame"], 20)
    state = widget.get_state()
    kept = {name: value for name, value in state.items() if not name.startswith("_")}
    assert set(kept) == {"layout", "tabbable", "tooltip"}
    token = fake.requests[-1].headers["Authorization"].removeprefix("Bearer ")
    saved = json.dumps(Widget.get_manager_state())
    for secret in (API_KEY, token, fake.url, reactor.get_session_id() or "?", "image/jpeg;base64"):
        assert secret not in saved
        assert secret not in json.dumps(sent)


async def test_a_client_shows_one_widget_and_a_table_for_where_there_is_no_kernel(kernel: None, reactor: Reactor) -> None:
    first, _ = reactor._repr_mimebundle_()
    again, _ = reactor._repr_mimebundle_()
    assert first[VIEW]["model_id"] == again[VIEW]["model_id"]
    assert first["text/plain"].startswith("<Joined 'echo' at http://127.0.0.1:")
    assert first["text/html"] == "<div><p><strong>echo</strong> disconnected</p></div>"
    assert API_KEY not in json.dumps(first)
    assert reactor._shown is not None
    reactor._shown.close()
    assert reactor._repr_mimebundle_()[0][VIEW]["model_id"] != first[VIEW]["model_id"]


async def test_a_widget_that_is_closed_leaves_the_client_alone(kernel: None, reactor: Reactor) -> None:
    widget = reactor.widget()
    await reactor.connect()
    widget.close()
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("reactor.pic")], 20)
    widget._handle_custom_msg({"type": "hello"}, [])
    assert await reactor.send_command("echo", {"a": 1}) == {"type": "echo", "data": {"a": 1}}


async def test_messages_of_another_thread_are_handled_on_the_clients_loop(kernel: None, reactor: Reactor) -> None:
    widget = reactor.widget()
    answers: list[Any] = []
    widget.send = lambda content, buffers=None: answers.append(content)
    await reactor.connect()
    command = {"type": "command", "id": 4, "name": "silent", "data": {}}
    await asyncio.to_thread(widget._handle_custom_msg, command, [])
    await until(lambda: {"type": "answer", "id": 4, "reply": None} in answers, 20)


async def test_without_anywidget_a_picture_stands_still_and_the_cure_is_named(
    kernel: None, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "anywidget")
    monkeypatch.delitem(sys.modules, "reactor_sdk.notebook.widget", raising=False)
    with pytest.raises(MissingExtraError, match="anywidget"):
        reactor.widget()
    await reactor.connect()
    async with asyncio.timeout(20):
        await anext(reactor.frames())
    bundle, _ = reactor._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert 'src="data:image/jpeg;base64,/9j/' in bundle["text/html"]
    assert "<td>main_video</td><td>video</td><td>from the model</td>" in bundle["text/html"]
    assert "pip install &#x27;openreactor[notebook]&#x27;" in bundle["text/html"]


def test_a_widget_needs_a_loop_and_a_terminal_gets_text() -> None:
    reactor = Reactor("helios", local=True)
    with pytest.raises(InvalidStateError, match="event loop"):
        reactor.widget()
    assert set(reactor._repr_mimebundle_()[0]) == {"text/plain", "text/html"}
