"""Models of one file, for the tests of this folder."""

from pathlib import Path

from reactor_runtime.config import Manifest

CRASHES = """
import asyncio
from reactor_runtime import ReactorModel, session_started
class Model(ReactorModel):
    def __init__(self):
        self.over = asyncio.Event()
    @session_started
    def begin(self):
        self.over.set()
    async def run(self):
        await self.over.wait()
        raise RuntimeError("out of memory")
"""


def model_in(folder: Path, name: str, source: str) -> Manifest:
    """A model of that source; ``name`` is that of its module, which no other test has."""
    (folder / f"{name}.py").write_text(source)
    return Manifest(folder, f"{name}:Model", "", None)
