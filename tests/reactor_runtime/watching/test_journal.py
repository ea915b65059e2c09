"""The journal: ids, what is kept, and what a reader has missed."""

import json

from reactor_protocol.lifecycles import RuntimeEvent, RuntimeState
from reactor_runtime.watching.journal import EVENTS, Journal, JournalName

R = RuntimeState


def note(journal: Journal, event: str, **detail: object) -> None:
    journal.note(event, R.READY, R.READY, dict(detail), 1_700_000_000_123)


def ids(journal: Journal, seq: int, part: JournalName | None = None, limit: int = 100_000) -> list[int]:
    return [int(text.split(b"\n")[0].removeprefix(b"id: ")) for text in journal.after(seq, part, limit).parts]


def test_the_vocabulary_is_that_of_the_reference() -> None:
    expected = "initializing initialization_success initialization_fail start_session stop_session timeout eviction"
    expected += " connection_opened connection_closed connection_answered cleanup_complete chunk_ready clip_ready"
    expected += " command error metric step_completed step_result_ready"
    # And one that the published runtime has no word for, since it does not survive it.
    assert set(EVENTS) == {*expected.split(" "), "model_lost"}


def test_every_move_has_its_word() -> None:
    assert {str(event) for event in RuntimeEvent} - set(EVENTS) == {"last_connection_closed"}


def test_an_event_is_an_id_line_and_a_data_line() -> None:
    journal = Journal()
    journal.note("start_session", R.READY, R.WAITING, {"params": {}}, 1_700_000_000_123)
    (text,) = journal.after(0, None, 10).parts
    assert text == (
        b'id: 1\ndata: {"type":"transition","event":"start_session","from":"ready","to":"waiting",'
        b'"ts":1700000000123,"detail":{"params":{}}}\n\n'
    )


def test_ids_are_contiguous_and_reading_goes_on_where_it_was() -> None:
    journal = Journal()
    for event in ("initializing", "command", "error", "metric"):
        note(journal, event)
    assert ids(journal, 0) == [1, 2, 3, 4]
    assert ids(journal, 2) == [3, 4]
    assert ids(journal, 4) == []
    assert ids(journal, 0, JournalName.LIFECYCLE) == [1, 3]
    assert ids(journal, 0, JournalName.MEASUREMENTS) == [2, 4]
    batch = journal.after(0, None, 3)
    assert (len(batch.parts), batch.seq, batch.missed) == (3, 3, None)


def test_a_flood_of_one_kind_crowds_nothing_else_out() -> None:
    journal = Journal()
    note(journal, "initializing")
    note(journal, "start_session", params={})
    for _ in range(20_000):
        note(journal, "command", name="x")
    note(journal, "stop_session", reason="stopped")
    assert ids(journal, 0, JournalName.LIFECYCLE) == [1, 2, 20_003]
    assert ids(journal, 0, JournalName.MEASUREMENTS) == list(range(19_747, 20_003))


def test_what_is_no_longer_kept_is_said() -> None:
    journal = Journal()
    for _ in range(300):
        note(journal, "metric")
    assert journal.after(0, None, 1).missed == (1, 44)
    assert journal.after(44, None, 1).missed is None
    assert journal.after(0, JournalName.LIFECYCLE, 1).missed is None
    assert ids(journal, 0)[0] == 45


def test_a_reader_gets_on_past_what_is_gone() -> None:
    journal = Journal()
    for _ in range(300):
        note(journal, "metric")
    seen: list[bytes] = []
    seq, notices = 0, 0
    for _ in range(1000):
        batch = journal.after(seq, None, 7)
        notices += batch.missed is not None
        if not batch.parts:
            break
        seen.extend(batch.parts)
        seq = batch.seq
    assert len(seen) == 256
    assert seq == 300
    assert notices == 1


def test_where_a_reader_begins() -> None:
    journal = Journal()
    for _ in range(5):
        note(journal, "error")
    assert journal.beginning(None) == 5
    assert journal.beginning(0) == 0
    assert journal.beginning(3) == 3
    # Of another process: this one's beginning is what it lacks.
    assert journal.beginning(4000) == 0


def test_a_detail_that_is_too_large_is_left_out() -> None:
    journal = Journal()
    note(journal, "error", message="x" * 100_000)
    (text,) = journal.after(0, None, 1).parts
    assert len(text) < 300
    detail = json.loads(text.split(b"data: ")[1])["detail"]
    assert detail.keys() == {"omitted_bytes"}


def test_what_is_kept_is_bounded() -> None:
    journal = Journal()
    for event in EVENTS:
        for _ in range(1500):
            note(journal, event)
    assert len(ids(journal, 0)) == 15 * 1024 + 4 * 256


def test_readers_are_woken_until_they_leave() -> None:
    journal, woken = Journal(), []
    ticket = journal.attach(lambda: woken.append(1))
    note(journal, "error")
    journal.detach(ticket)
    note(journal, "error")
    assert (len(woken), journal.readers) == (1, 0)
