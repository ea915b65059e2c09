"""Messages arrive whole and in order, however they are cut on the way."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor_runtime.isolation import line
from reactor_runtime.isolation.line import Ear, Mouth, packed

MESSAGES = st.lists(st.one_of(st.none(), st.integers(), st.text(), st.binary(max_size=500), st.lists(st.integers())), max_size=8)


@given(MESSAGES, st.integers(1, 700))
def test_messages_survive_any_cut(messages: list[Any], size: int) -> None:
    heard: list[Any] = []
    ear = Ear(heard.append, lambda: None)
    data = b"".join(packed(message) for message in messages)
    for begin in range(0, len(data), size):
        ear.data_received(data[begin : begin + size])
    assert heard == messages


def test_a_message_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_MESSAGE_BYTES", 1000)
    with pytest.raises(ValueError, match="above the limit of 1000"):
        packed(b"x" * 1001)


async def test_many_threads_speak_over_one_line_and_its_end_is_heard() -> None:
    ours, theirs = socket.socketpair()
    heard: list[Any] = []
    ended = asyncio.Event()
    await asyncio.get_running_loop().create_connection(lambda: Ear(heard.append, ended.set), sock=ours)
    mouth = Mouth(theirs)

    def speak(name: int) -> None:
        for count in range(50):
            mouth.say((name, count, b"x" * 5000))

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    theirs.close()
    async with asyncio.timeout(20):
        await ended.wait()
    assert [[count for who, count, _ in heard if who == name] for name in range(4)] == [list(range(50))] * 4
    mouth.say("to nobody")
