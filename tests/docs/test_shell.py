"""Command lines of the pages are ones that the programs take: names of commands, their options and arguments."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.docs.pages import README, ROOT, blocks
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from reactor_cli.main import app

PROGRAM = get_command(app)
MODULE = re.compile(r"python -m ([a-z_.]+)")


@dataclass(frozen=True)
class Line:
    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def lines(program: str) -> Iterator[Line]:
    """The calls of a program in the shell blocks of all pages."""
    for block in blocks("sh"):
        for line in block.body.splitlines():
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words[:1] == [program]:
                    yield Line(block.page, tuple(words[1:]))


def parse(words: tuple[str, ...]) -> list[str]:
    """The names of the commands that a line calls. Raises what the program would say of a line that it does not take."""
    command: object = PROGRAM
    names: list[str] = []
    while isinstance(command, TyperGroup):
        name = words[len(names)]
        if name not in command.commands:
            raise LookupError(f"No such command {name!r}")
        command = command.commands[name]
        names.append(name)
    assert isinstance(command, TyperCommand)
    command.make_context(" ".join(names), list(words[len(names) :]))
    return names


@pytest.mark.parametrize("line", list({each.words: each for each in lines("reactor")}.values()), ids=str)
def test_a_line_of_the_reactor_command(line: Line) -> None:
    assert parse(line.words)


def test_a_line_that_is_wrong_is_found() -> None:
    assert parse(("client", "send", "set_color", "value=200")) == ["client", "send"]
    for wrong in (("clinet", "show"), ("client", "sho"), ("run", "--prot", "1"), ("codegen",)):
        with pytest.raises(Exception, match=r"No such command|No such option|Missing parameter"):
            parse(wrong)


def test_every_command_is_on_a_page() -> None:
    assert isinstance(PROGRAM, TyperGroup)
    assert {parse(line.words)[0] for line in lines("reactor")} == set(PROGRAM.commands)


def test_targets_and_modules_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in lines("make"):
        assert re.search(rf"^{line.words[0]}:", makefile, re.MULTILINE), line
    pages = [README, *(ROOT / "docs").rglob("*.md")]
    named = {found for page in pages for found in MODULE.findall(page.read_text())} - {"pytest"}
    assert {"benchmarks", "benchmarks.kill", "benchmarks.crossing", "benchmarks.soak"} <= named
    for module in named:
        assert importlib.util.find_spec(module), module
