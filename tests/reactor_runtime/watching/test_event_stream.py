"""The stream of events: its form, its heartbeat, and readers that are slow, leave or stay."""

import asyncio

from tests.reactor_runtime.watching.event_reader import reading

from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.watching.event_stream import EventStream
from reactor_runtime.watching.journal import Journal, JournalName


def note(journal: Journal, event: str, text: str = "") -> None:
    journal.note(event, RuntimeState.READY, RuntimeState.READY, {"message": text}, 1)


async def test_the_headers_and_the_first_words() -> None:
    async with reading(EventStream(Journal(), None, None)) as reader:
        assert reader.status == 200
        assert reader.headers == {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
        assert reader.text == ": openreactor\nretry: 1000\n\n"


async def test_what_happened_and_what_happens() -> None:
    journal = Journal()
    note(journal, "initializing")
    async with reading(EventStream(journal, 0, None)) as reader:
        await reader.until("initializing")
        note(journal, "error")
        await reader.until("error")
        assert [seq for seq, _ in reader.events] == [1, 2]


async def test_without_since_only_what_happens_from_now_on() -> None:
    journal = Journal()
    note(journal, "initializing")
    async with reading(EventStream(journal, None, None)) as reader:
        note(journal, "error")
        await reader.until("error")
        assert reader.names == ["error"]


async def test_a_silent_stream_has_a_heartbeat() -> None:
    async with reading(EventStream(Journal(), None, None, heartbeat_s=0.01)) as reader:
        await reader.changes.until(lambda: reader.text.count(": heartbeat\n\n") >= 3, 20)
        assert reader.events == []


async def test_a_slow_reader_is_told_what_it_has_missed() -> None:
    journal = Journal()
    async with reading(EventStream(journal, None, None)) as reader:
        reader.taking.clear()
        note(journal, "start_session")
        for number in range(2000):
            note(journal, "error", f"{number}")
            if number % 100 == 0:
                await asyncio.sleep(0)
        reader.taking.set()
        await reader.changes.until(lambda: reader.details("error")[-1:] == [{"message": "1999"}], 20)
        # What it was being sent when it stopped, and the newest 1024.
        assert 1024 <= len(reader.details("error")) <= 1024 + 128
        assert reader.text.count(": skipped ") == 1
        assert ": skipped 2 to 977\n\n" in reader.text or ": skipped 3 to 977\n\n" in reader.text
        assert reader.names[0] == "start_session"


async def test_a_stream_of_one_part_has_gaps_and_says_so_when_something_is_lost() -> None:
    journal = Journal()
    async with reading(EventStream(journal, 0, JournalName.MEASUREMENTS)) as reader:
        reader.taking.clear()
        for _ in range(300):
            note(journal, "metric")
            note(journal, "error")
        reader.taking.set()
        await reader.until("metric", 256)
        assert ["event: skipped", 'data: {"first": 1, "last": 87}'] in reader.blocks
        assert set(reader.names) == {"metric"}


async def test_a_reader_that_leaves_is_forgotten() -> None:
    journal = Journal()
    async with reading(EventStream(journal, None, None, heartbeat_s=3600.0)):
        assert journal.readers == 1
    assert journal.readers == 0


async def test_the_end_of_the_journal_is_the_end_of_the_stream() -> None:
    journal = Journal()
    async with reading(EventStream(journal, None, None)) as reader:
        note(journal, "eviction")
        journal.close()
        await reader.changes.until(lambda: reader.over, 20)
        assert reader.names == ["eviction"]
    assert journal.readers == 0
