"""Spans: their names, who is whose child, and that they cost nothing where nobody wants them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.waiting import poll
from tests.reactor_runtime.watching.one_file_models import CRASHES, model_in

from reactor_runtime.watching.spans import Spans


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[Spans]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Spans(provider.get_tracer("test"))
    provider.shutdown()


def _named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def _is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return span.parent is not None and parent.context is not None and span.parent.span_id == parent.context.span_id


async def test_a_session_its_connections_commands_and_steps(spans: Spans, exporter: InMemorySpanExporter) -> None:
    async with opened() as house:
        house.runtime.watch.spans = spans
        await house.start()
        session_id = house.runtime.table.session_id
        client = await house.welcome()
        client.resume()
        await client.picture()
        await client.command("set_level", level=7)
        await client.command("refuse")
        await client.command("made_up")
        await house.http.post("/stop_session")
    assert {span.name for span in exporter.get_finished_spans()} == {
        "reactor.session",
        "reactor.connection",
        "reactor.command",
        "reactor.step",
    }
    (session,) = _named(exporter, "reactor.session")
    (connection,) = _named(exporter, "reactor.connection")
    assert session.parent is None
    assert session.attributes == {"reactor.session_id": session_id, "reactor.end_reason": "stopped"}
    assert session.status.status_code is StatusCode.UNSET
    assert _is_child(connection, session)
    assert connection.attributes is not None
    assert connection.attributes["reactor.connection_id"] == client.id
    assert [event.name for event in connection.events] == ["connected"]
    commands = _named(exporter, "reactor.command")
    assert [(span.attributes or {}).get("reactor.command") for span in commands] == ["set_level", "refuse", "unknown"]
    assert [(span.attributes or {}).get("reactor.error_code") for span in commands] == [None, "not_now", "invalid_command"]
    assert [span.status.status_code for span in commands] == [StatusCode.UNSET, StatusCode.ERROR, StatusCode.ERROR]
    steps = _named(exporter, "reactor.step")
    assert steps
    for span in commands:
        assert _is_child(span, connection)
    for span in steps:
        assert _is_child(span, session)
    for span in exporter.get_finished_spans():
        assert (span.attributes or {})["reactor.session_id"] == session_id
        assert session.start_time is not None
        assert session.end_time is not None
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time <= session.end_time + 10_000_000


async def test_a_connection_that_ends_before_the_session(spans: Spans, exporter: InMemorySpanExporter) -> None:
    async with opened() as house:
        house.runtime.watch.spans = spans
        await house.start()
        client = await house.welcome()
        await client.leave()
        await house.until("orphaned")
        (connection,) = _named(exporter, "reactor.connection")
        assert (connection.attributes or {})["reactor.end_reason"] == "it closed the data channel 'control'"
        assert _named(exporter, "reactor.session") == []


async def test_a_session_that_a_crash_ends(tmp_path: Path, spans: Spans, exporter: InMemorySpanExporter) -> None:
    async with opened(model_in(tmp_path, "spans_crash", CRASHES)) as house:
        house.runtime.watch.spans = spans
        await house.start()

        async def over() -> bool:
            return bool(_named(exporter, "reactor.session"))

        await poll(over, 20)
    (session,) = _named(exporter, "reactor.session")
    assert (session.attributes or {})["reactor.end_reason"] == "error"
    assert session.status.status_code is StatusCode.ERROR


async def test_without_a_tracer_steps_are_not_looked_at() -> None:
    async with opened() as house:
        await house.start()
        assert not house.runtime.watch.spans.records_steps
        assert not trace.get_tracer("x").start_span("y").is_recording()
