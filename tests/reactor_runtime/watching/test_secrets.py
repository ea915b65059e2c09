"""What clients send is nobody else's business: not in the events, the metrics, the log or the spans."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.watching.event_reader import reading
from tests.reactor_runtime.watching.log_lines import logging_as
from tests.reactor_runtime.watching.one_file_models import model_in

from reactor_protocol.messages import FileRef
from reactor_runtime.app import build_app
from reactor_runtime.watching.spans import Spans
from reactor_runtime.watching.watch import Watch

SECRET = "hunter2-correct-horse"

SOURCE = """
import asyncio
from typing import Literal
from reactor_runtime import ModelMessage, Output, ReactorModel, UploadedFile, Video, connected, event
class Out(Output):
    main: Video
    webcam2: Video
class Welcome(ModelMessage):
    client: int
class Model(ReactorModel):
    async def run(self):
        await asyncio.Event().wait()
    @connected
    async def greet(self, client):
        await client.send(Welcome(client.id))
    @event(name="say")
    async def say(self, prompt: str, style: Literal["calm"] = "calm") -> None: ...
    @event(name="keep")
    async def keep(self, file: UploadedFile, note: str) -> None: ...
    @event(name="stumble")
    async def stumble(self, prompt: str) -> None:
        raise ValueError("no")
"""


def test_an_answer_is_noted_without_what_lets_a_stranger_in() -> None:
    watch = Watch()
    watch.answered(
        1002, f"v=0\r\nm=video 9 x 96\r\na=ice-pwd:{SECRET}\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=mid:0\r\n"
    )
    (text,) = watch.journal.after(0, None, 10).parts
    assert b'"answer":{"type":"answer","sdp":"m=video 9 x 96\\r\\na=mid:0\\r\\n"}' in text
    assert SECRET.encode() not in text


async def _tell_secrets(house: House, visitor: Visitor) -> None:
    """Everything that a client can say, with a secret in it."""
    assert (await visitor.command("say", prompt=SECRET)).error is None
    assert (await visitor.command("say", prompt="x", style=SECRET)).error is not None
    assert (await visitor.command("say", prompt=[SECRET])).error is not None
    assert (await visitor.command("say", **{SECRET: 1})).error is not None
    assert (await visitor.command("stumble", prompt=SECRET)).error is not None
    body = {"name": "photo.png", "size": len(SECRET), "mime_type": "image/png"}
    session_id = house.runtime.table.session_id
    slot = (await house.http.post(f"/sessions/{session_id}/uploads", json=body)).json()
    assert (await house.http.put(slot["presigned_url"], content=SECRET.encode())).status_code == 200
    file = FileRef(slot["presigned_id"], "photo.png", "image/png", len(SECRET))
    assert (await visitor.command("keep", {"file": file}, note=SECRET)).error is None


@pytest.mark.parametrize("style", ["text", "json"])
async def test_secrets_stay_where_they_are(style: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with logging_as(style):
        async with opened(model_in(tmp_path, f"secretive_{style}", SOURCE)) as house:
            house.runtime.watch.spans = Spans(provider.get_tracer("test"))
            response = await house.http.post("/start_session", json={"token": SECRET, "starting": {"prompt": SECRET}})
            assert response.status_code == 200
            visitor = house.visitor()
            visitor.tracks = [("main", "video", "recvonly")]
            await visitor.connect()
            await _tell_secrets(house, visitor)
            metrics = (await house.http.get("/metrics")).text
            await house.http.post("/stop_session")
            async with reading(build_app(house.runtime), "since=0") as reader:
                await reader.until("cleanup_complete")
    log = capsys.readouterr().err
    spans = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    for place, text in (("events", reader.text), ("metrics", metrics), ("log", log), ("spans", spans)):
        assert SECRET not in text, place
        assert "ice-pwd" not in text, place
    # Names and sizes are there, so that it was not silence that kept the secrets.
    assert reader.details("start_session")[0]["params"] == {
        "token": {"type": "string", "size": 21},
        "starting": {"type": "object", "size": 1},
    }
    assert reader.details("command")[0]["args"] == {"prompt": {"type": "string", "size": 21}}
    assert reader.details("command")[1]["args"] == {"note": {"type": "string", "size": 21}}
    (error,) = reader.details("error")
    assert error.keys() == {"message", "conn_id", "request_id"}
    assert error["message"] == "The handler raised an unexpected error."
    assert "was refused" in log
    assert "reactor.command" in spans
