"""The example notebook: valid, without outputs, and its cells run one after the other, as in a kernel."""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
from pathlib import Path
from types import CodeType
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image
from tests.interop.servers import our_runtime

from reactor_sdk import Picture, Reactor

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebook" / "live_model.ipynb"
MAX_BYTES = 10_000
DEADLINE_S = 90.0


def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def test_it_is_valid_small_and_has_no_outputs() -> None:
    read = notebook()
    nbformat.validate(read)
    assert NOTEBOOK.stat().st_size < MAX_BYTES
    assert [cell for cell in read.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []
    assert set(read.metadata) == {"kernelspec", "language_info"}


def compiled(source: str) -> CodeType:
    """A cell that leaves the value of its last expression in ``shown``."""
    module = ast.parse(source)
    last = module.body[-1]
    if isinstance(last, ast.Expr):
        module.body[-1] = ast.copy_location(ast.Assign([ast.Name("shown", ast.Store())], last.value), last)
    code: CodeType = compile(ast.fix_missing_locations(module), str(NOTEBOOK), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


async def run(source: str, names: dict[str, Any]) -> Any:
    names.pop("shown", None)
    result = eval(compiled(source), names)
    if inspect.isawaitable(result):
        await result
    return names.get("shown")


@pytest.mark.network
@pytest.mark.timeout(150)
async def test_its_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, Any] = {}
    with our_runtime(tmp_path, EXAMPLES / "restyle") as server:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        async with asyncio.timeout(DEADLINE_S):
            shown = [await run(cell.source, names) for cell in notebook().cells if cell.cell_type == "code"]
    _, client, picture, figure, _ = shown
    assert isinstance(client, Reactor)
    assert isinstance(picture, Picture)
    assert repr(picture) == "<Picture 1280x720>"
    with Image.open(io.BytesIO(picture._repr_png_())) as shown_picture:
        assert np.asarray(shown_picture.convert("L")).mean() > 60, "the clip, not the dark card that waits for it"
    rates = [sample.frames_per_second for sample in client.stats_history() if sample.frames_per_second]
    assert len(rates) >= 3, "the figure has lines"
    assert figure._repr_png_()[:4] == b"\x89PNG"
    assert client.get_status() == "disconnected"
