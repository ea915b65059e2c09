"""The demo: a real clip goes to the restyle model and comes back restyled, while commands change how.

Starts a runtime, streams the clip to it as a camera would, plays a script of commands, and leaves a film, a contact sheet and
figures. In a terminal it then stays, so that you can play with the model in the browser. Ends with 0 only if every change was
seen in the pictures that came back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tour.check import find_problems
from tour.clip import ClipTrack
from tour.images import badge, encode_png
from tour.play import NothingSeen, play
from tour.report import Report, table_of
from tour.runtime import RuntimeFailed, serving
from tour.script import Step, write_script
from tour.sheet import contact_sheet
from tour.watch import Watch

from reactor_sdk import ReactorException

MODEL: Final = Path(__file__).resolve().parent
CLIP: Final = MODEL.parent / "data" / "bigbuckbunny.mp4"
_PORT: Final = 8080
_LOAD_S: Final = 20.0
# The demo is camera, network, model host, screen and recorder at once: a small machine gets a smaller picture.
_HEIGHT: Final = 720 if (os.cpu_count() or 1) >= 4 else 540
console: Final = Console()


def main() -> None:
    """Runs the demo and exits with its verdict."""
    options = _options()
    try:
        report = asyncio.run(_demo(options))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except asyncio.CancelledError:
        raise SystemExit(143) from None
    except (ReactorException, RuntimeFailed, NothingSeen) as error:
        console.print(f"[red]The demo failed:[/red] {escape(str(error))}", highlight=False)
        raise SystemExit(1) from None
    for label, problem in report.problems.items():
        console.print(f"[red]Not seen:[/red] {escape(label)}: {escape(problem)}", highlight=False)
    raise SystemExit(1 if report.problems else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=_seconds, default=18.0, help="how long to stream (4 to 150; default 18)")
    parser.add_argument(
        "--height", type=int, choices=(360, 540, 720), default=_HEIGHT, help=f"rows of the video (default {_HEIGHT} here)"
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of demo.mp4 and demo.png (default: out)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument(
        "--stay",
        action=argparse.BooleanOptionalAction,
        default=sys.stdin.isatty() and sys.stdout.isatty(),
        help="serve the page until Ctrl-C (default: in a terminal)",
    )
    return parser.parse_args()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 4.0 <= seconds <= 150.0:
        raise argparse.ArgumentTypeError("must be 4 to 150")
    return seconds


async def _demo(options: argparse.Namespace) -> Report:
    # A signal ends the task, so that the runtime is ended on every way out.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    options.out.mkdir(parents=True, exist_ok=True)
    async with serving(MODEL, _PORT if options.stay and _is_free(_PORT) else 0) as url:
        await _begin_session(url)
        console.print(f"The model is at [cyan]{url}[/cyan]: open it in a browser, watch, and play.", highlight=False)
        report = await _tour(options, url)
        if options.stay and not report.problems:
            console.print(f"[bold]Now you:[/bold] [cyan]{url}[/cyan] (Ctrl-C ends it)", highlight=False)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return report


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _begin_session(url: str) -> None:
    """Begins the session that the tour joins, so that it goes on for whoever watches when the tour leaves."""
    deadline = asyncio.get_running_loop().time() + _LOAD_S
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.post(f"{url}/start_session", json={}) as answer:
                if answer.status != 503 or asyncio.get_running_loop().time() > deadline:
                    break
            await asyncio.sleep(0.1)  # The model is still loading.
    if answer.status != 200:
        raise RuntimeFailed(f"the runtime begins no session: HTTP {answer.status}; {url}/health says why")


async def _tour(options: argparse.Namespace, url: str) -> Report:
    out: Path = options.out
    steps = write_script(encode_png(badge()))
    report = await _stream(url, ClipTrack(CLIP, options.height), steps, options)
    with console.status("comparing what was seen with what was asked for"):
        report.problems = await asyncio.to_thread(find_problems, CLIP, report.shown)
    (out / "demo.png").write_bytes(encode_png(contact_sheet(report)))
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_dict(), indent=2) + "\n")
    console.print(table_of(report))
    console.print(f"{len(report.shown) - len(report.problems)} of {len(report.shown)} changes seen", highlight=False)
    console.print(f"film {out / 'demo.mp4'}   contact sheet {out / 'demo.png'}", highlight=False)
    return report


async def _stream(url: str, camera: ClipTrack, steps: list[Step], options: argparse.Namespace) -> Report:
    columns = (TextColumn("{task.fields[done]}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as progress:
        bar = progress.add_task("connecting", total=len(steps), done="")

        def on_step(step: Step, watch: Watch) -> None:
            done = f"{len(watch.arrivals):4d} frames"
            progress.update(bar, description=escape(step.label), completed=steps.index(step), done=done)

        os.environ["REACTOR_LOCAL_URL"] = url
        report = await play(camera, options.out / "demo.mp4", steps, options.seconds, on_step)
        progress.update(bar, description="done", completed=len(steps), done=f"{len(report.arrivals):4d} frames")
    return report


if __name__ == "__main__":
    main()
