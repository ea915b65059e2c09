"""`reactor schema`: documents of folders, files and running models, and what has changed between them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from reactor_cli import schema as schema_command
from reactor_cli.main import main
from reactor_cli.schema import read_schema
from reactor_protocol.errors import InvalidArgumentError, TransportError

MODEL = """
from reactor_runtime import InputField, ModelMessage, ReactorModel, event
print("the model says hello")

class Painted(ModelMessage):
    count: int

class {name}(ReactorModel):
    async def run(self): ...
    @event(name="paint")
    async def paint(self, colour: int = InputField(default=0, ge=0, le={most})) -> Painted:
        return Painted(1)
"""


def model(folder: Path, name: str, most: int) -> Path:
    folder.mkdir()
    (folder / "reactor.yaml").write_text(f"model: {{name: painter}}\nruntime: {{import: '{name.lower()}_model:{name}'}}\n")
    (folder / f"{name.lower()}_model.py").write_text(MODEL.format(name=name, most=most))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["reactor", "schema", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_the_document_of_a_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = model(tmp_path / "a", "PainterOne", 9)
    assert run(monkeypatch, str(folder), "--version", "1.2.3") == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["info"]["title"] == "painter"
    assert document["info"]["version"] == "v1.2.3"
    assert list(document["paths"]) == ["/events/paint"]
    assert "the model says hello" in captured.err
    file = tmp_path / "deep" / "schema.json"
    assert run(monkeypatch, str(folder), "-o", str(file), "--version", "1.2.3") == 0
    assert json.loads(file.read_text()) == document
    assert read_schema(str(file)) == document


def test_a_change_that_breaks_is_named_and_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old, new = model(tmp_path / "old", "PainterTwo", 9), model(tmp_path / "new", "PainterThree", 5)
    assert run(monkeypatch, str(new), "--diff", str(old)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "breaks   command paint, parameter colour: upper limit is 5, not 9",
        "1 changes, 1 of them break clients of the older document",
    ]
    assert run(monkeypatch, str(old), "--diff", str(new), "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"where": "command paint, parameter colour", "what": "upper limit is 9, not 5", "breaking": False}
    ]
    assert run(monkeypatch, str(old), "--diff", str(old)) == 0
    assert capsys.readouterr().out == "nothing has changed that a client could notice\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no schema document: Expecting property name"),
        ("[1]", "no schema document: it holds no object"),
        ("[" * 100_000, "no schema document: maximum recursion depth"),
    ],
)
def test_a_file_that_is_no_document(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(text)
    with pytest.raises(InvalidArgumentError, match=re.escape(why)):
        read_schema(str(file))


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_command, "MAX_SCHEMA_BYTES", 100)
    (tmp_path / "large.json").write_text(" " * 101)
    with pytest.raises(InvalidArgumentError, match="that is no schema document"):
        read_schema(str(tmp_path / "large.json"))
    with pytest.raises(InvalidArgumentError, match="cannot be read: No such file"):
        read_schema(str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"info": {"title": "painter"}}, None),
        (200, {}, "the model is not loaded yet: try again in a moment"),
        (404, {}, "answers HTTP 404: is that a runtime"),
    ],
)
async def test_the_document_of_a_running_model(status: int, body: dict[str, Any], why: str | None) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    application = web.Application()
    application.router.add_get("/schema", answer)
    async with TestServer(application) as server:
        url = str(server.make_url(""))
        if why is None:
            assert await schema_command._fetch(url) == body
            return
        with pytest.raises(TransportError, match=re.escape(why)):
            await schema_command._fetch(url)


async def test_nobody_there() -> None:
    with pytest.raises(TransportError, match="is the model running there"):
        await schema_command._fetch("http://127.0.0.1:9")
