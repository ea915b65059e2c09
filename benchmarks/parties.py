"""Who is measured: our client and runtime, and the published pair in virtual environments of its own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environment import MODEL_FOLDER, ROOT
from benchmarks.venvs import Venvs

PUBLISHED_RUNTIME = "3.10.0"


@dataclass(frozen=True)
class Party:
    """One column of the table: a runtime and a client that are measured together."""

    name: str
    title: str
    client_api: str
    client_python: Path
    runtime_argv: Callable[[int], list[str]]
    runtime_cwd: Path
    runtime_bind: Callable[[int], dict[str, str]]
    """Environment that makes the runtime listen on a port, for a runtime that has no options for it."""
    asks_internet: bool
    """Whether the runtime asks a STUN server of the Internet when none is configured."""


@dataclass(frozen=True)
class Column:
    """A party before anything is installed for it. `prepare` may take minutes and may raise LegFailed."""

    name: str
    title: str
    prepare: Callable[[Venvs], Party]


def ours(venvs: Venvs) -> Party:
    """The runtime and the client of this repository, in the environment that runs the benchmark."""
    scripts = Path(sys.executable).parent

    def argv(port: int) -> list[str]:
        return [str(scripts / "reactor"), "run", str(MODEL_FOLDER), "--host", "127.0.0.1", "--port", str(port)]

    return Party(
        name="ours",
        title="ours",
        client_api="documented",
        client_python=Path(sys.executable),
        runtime_argv=argv,
        runtime_cwd=ROOT,
        runtime_bind=lambda port: {},
        asks_internet=False,
    )


def published(sdk: str, client_api: str, *extras: str) -> Column:
    """The published runtime with one of the published clients, and what that client needs but does not depend on."""
    name, title = f"published-{sdk.rpartition('.')[0]}", f"published {sdk.rpartition('.')[0]}"

    def prepare(venvs: Venvs) -> Party:
        runtime = venvs.python(f"reactor-runtime=={PUBLISHED_RUNTIME}")
        return Party(
            name=name,
            title=title,
            client_api=client_api,
            client_python=venvs.python(f"reactor-sdk=={sdk}", *extras),
            runtime_argv=lambda port: [str(runtime), "-m", "reactor_runtime.serve"],
            runtime_cwd=MODEL_FOLDER,
            runtime_bind=lambda port: {"HOST": "127.0.0.1", "PORT": str(port)},
            asks_internet=True,
        )

    return Column(name, title, prepare)


COLUMNS: tuple[Column, ...] = (
    Column("ours", "ours", ours),
    published("1.13.0", "tracks", "numpy"),
    published("0.8.0", "events"),
)
