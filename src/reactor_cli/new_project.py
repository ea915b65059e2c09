"""``reactor init``: a folder with a model that runs, and a test of it."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer

from reactor_cli.output import JsonOption, plain, say, show_json
from reactor_protocol.errors import InvalidArgumentError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")

MANIFEST: Final = Template("""\
model:
  name: $name
runtime:
  import: "${module}:${model}"
""")

MODEL: Final = Template('''\
"""$model: a disc that goes round, and obeys while it does."""

import numpy as np

from reactor_runtime import InputField, InputState, ModelMessage, Output, ReactorApp, Video, event

WIDTH, HEIGHT = 640, 360
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]


class Out(Output):
    """What clients see."""

    main_video: Video


class State(InputState):
    """What clients can set: each field is a command, set_<field>, and survives a crash of the model."""

    speed: float = InputField(default=0.3, ge=-3, le=3, description="Turns per second.")
    radius: int = InputField(default=40, ge=5, le=150, description="Of the disc, in pixels.")


class Jumped(ModelMessage):
    """Sent when the disc has jumped."""

    turn: float


class $model(ReactorApp):
    """A disc that goes round."""

    state: State
    fps = 30.0

    def __init__(self) -> None:
        self.turn = 0.0

    @event(name="jump", description="Moves the disc ahead by half a turn.")
    async def jump(self) -> Jumped:
        self.turn = (self.turn + 0.5) % 1
        return Jumped(self.turn)

    def generate(self, state: State) -> Out:
        """One frame: (height, width, 3) uint8 RGB. Replace this by your network."""
        self.turn = (self.turn + state.speed / self.fps) % 1
        x = WIDTH / 2 + 120 * np.cos(2 * np.pi * self.turn)
        y = HEIGHT / 2 + 120 * np.sin(2 * np.pi * self.turn)
        inside = (COLUMNS - x) ** 2 + (ROWS - y) ** 2 < state.radius**2
        picture = np.full((HEIGHT, WIDTH, 3), (18, 22, 34), np.uint8)
        picture[inside] = (255, 176, 59)
        return Out(main_video=picture)
''')

TEST: Final = Template('''\
"""The model without a network, under a clock that the test moves: python -m pytest"""

from $module import $model

from reactor_testing.rehearsal import Rehearsal


def test_it_shows_thirty_frames_a_second_and_obeys() -> None:
    with Rehearsal($model) as stage:
        client = stage.join()
        stage.advance(1.0)
        assert 29 <= len(stage.frames) <= 31
        small = (stage.frames[-1].picture() == (255, 176, 59)).all(axis=2).sum()
        client.send("set_radius", {"radius": 80})
        stage.advance(0.1)
        large = (stage.frames[-1].picture() == (255, 176, 59)).all(axis=2).sum()
        assert 3.5 < large / small < 4.5
        before = client.send("jump")
        assert before is not None
        assert 0 <= before["turn"] < 1
''')

IGNORED: Final = "__pycache__/\n.pytest_cache/\n"

Name = Annotated[str, typer.Argument(help="Of the model: letters, digits, - and _. Its folder is made here.")]


def init(name: Name, as_json: JsonOption = False) -> None:
    """Make a folder with a model that runs, and a test of it."""
    folder = Path(name)
    files = project_files(folder.name)
    if folder.exists() and any(folder.iterdir()):
        raise InvalidArgumentError(f"{folder} is there already, and not empty: choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    if as_json:
        show_json({"folder": str(folder), "files": sorted(files)})
        return
    shown = plain(str(folder))
    say(f"[bold]{shown}[/bold] holds a model that runs: {', '.join(sorted(files))}")
    for typed, why in (
        (f"cd {shown}", ""),
        ("reactor run --host 127.0.0.1 --reload", "serves it; change it while it runs"),
        ("reactor client send set_speed speed=2", "commands it, from another terminal"),
        ("pip install pytest && python -m pytest", "tests it, without a network"),
    ):
        say(f"  [cyan]{typed:<40}[/cyan][dim]# {why}[/dim]" if why else f"  [cyan]{typed}[/cyan]")


def project_files(name: str) -> dict[str, str]:
    """The files of a new project, by name. Raises :class:`InvalidArgumentError` for a name that no module can have."""
    if _NAME.fullmatch(name) is None:
        raise InvalidArgumentError(f"a model's name is letters, digits, - and _, and begins with a letter, not {name!r}")
    words = [word for word in re.split(r"[-_]+", name) if word]
    snake = "_".join(words).lower()
    names = {"name": name, "module": f"{snake}_model", "model": "".join(word[:1].upper() + word[1:] for word in words)}
    if keyword.iskeyword(names["model"]):
        names["model"] += "Model"
    return {
        "reactor.yaml": MANIFEST.substitute(names),
        f"{snake}_model.py": MODEL.substitute(names),
        f"test_{snake}_model.py": TEST.substitute(names),
        ".gitignore": IGNORED,
    }
