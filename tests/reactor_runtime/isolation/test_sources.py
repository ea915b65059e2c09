"""A model's sources are watched; what is not its own is not."""

import asyncio
import contextlib
from pathlib import Path

from reactor_runtime.isolation.sources import changes, stamps, watch_sources


def write(path: Path, text: str = "x = 1\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_python_files_of_the_model_count(tmp_path: Path) -> None:
    for name in ("model.py", "net/block.py", "notes.txt", ".git/hook.py", "__pycache__/model.py", "venv/lib/numpy.py"):
        write(tmp_path / name)
    write(tmp_path / "venv/pyvenv.cfg")
    assert sorted(stamps(tmp_path)) == ["model.py", "net/block.py"]


def test_new_changed_and_removed_files_are_changes() -> None:
    before = {"a.py": (1, 10), "b.py": (1, 10), "c.py": (1, 10)}
    assert changes(before, {"a.py": (1, 10), "b.py": (2, 10), "d.py": (1, 1)}) == ["b.py", "c.py", "d.py"]
    assert changes(before, dict(before)) == []


async def test_a_change_is_told_once(tmp_path: Path) -> None:
    write(tmp_path / "model.py")
    told: asyncio.Queue[list[str]] = asyncio.Queue()

    async def changed(names: list[str]) -> None:
        told.put_nowait(names)

    watching = asyncio.ensure_future(watch_sources(tmp_path, changed, every_s=0.02))
    try:
        for lines in range(1, 100):  # the first ones may come before it has begun to look
            write(tmp_path / "model.py", "x = 1\n" * lines)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    assert await told.get() == ["model.py"]
                    break
        write(tmp_path / "other.py")
        async with asyncio.timeout(20):
            assert await told.get() == ["other.py"]
        assert told.empty()
    finally:
        watching.cancel()
