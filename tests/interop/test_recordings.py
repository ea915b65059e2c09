"""Clips of a session: the published client's from our runtime and our coordinator, ours from the published runtime."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from tests.interop.children import Child
from tests.interop.coordinator import Hosted
from tests.interop.observations import Observations, is_near
from tests.interop.servers import HERE, Server, our_runtime, published_runtime

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

VISIT_SECONDS = 90.0
GREEN = (30, 160, 60)
BOX_HEADER = 8


@dataclass(frozen=True)
class Pairing:
    """Who downloads from whom. ``exact`` is whether the file has the length that was asked for, and not that of whole chunks."""

    client: str
    server: str
    exact: bool

    def __str__(self) -> str:
        return f"{self.client}-client-on-{self.server}"


PAIRINGS = [
    Pairing("published", "our-runtime", exact=False),
    Pairing("our", "our-runtime", exact=True),
    Pairing("our", "published-runtime", exact=True),
    Pairing("published", "our-coordinator", exact=False),
    Pairing("our", "our-coordinator", exact=True),
]


def tried(pairing: Pairing) -> object:
    """A parameter that says what is run against what."""
    marks = []
    if pairing.client == "published":
        where = pairing.server.replace("-", " ")
        marks = [pytest.mark.against("client", "reactor-sdk", "0.8.0", f"on {where}: clips, downloaded")]
    elif pairing.server == "published-runtime":
        marks = [pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "its clips, downloaded by our client")]
    return pytest.param(pairing, id=str(pairing), marks=marks)


@pytest.fixture(scope="module", params=map(tried, PAIRINGS))
def pairing(request: pytest.FixtureRequest) -> Pairing:
    assert isinstance(request.param, Pairing)
    return request.param


@pytest.fixture(scope="module")
def server(
    pairing: Pairing, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | Hosted]:
    logs = tmp_path_factory.mktemp("runtime")
    serving: AbstractContextManager[Server | Hosted]
    if pairing.server == "our-coordinator":
        serving = nullcontext(request.getfixturevalue("coordinator"))
    elif pairing.server == "our-runtime":
        serving = our_runtime(logs)
    else:
        serving = published_runtime(request.getfixturevalue("published_runtime_python"), logs)
    with serving as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def observed(pairing: Pairing, server: Server | Hosted, folder: Path, request: pytest.FixtureRequest) -> Observations:
    """Makes the whole visit once."""
    server.wait_until_free()
    python: Path = Path(sys.executable)
    if pairing.client == "published":
        python = request.getfixturevalue("published_client_python")
    argv = [python, HERE / "drivers" / "recording_client.py", server.url, folder / ""]
    env = {"INTEROP_API_KEY": server.key} if isinstance(server, Hosted) else {"REACTOR_LOCAL_URL": server.url}
    with Child(argv, cwd=folder, env=env, log=folder / "client", seconds=VISIT_SECONDS) as child:
        child.wait()
        return Observations.read(child.output().splitlines(), {"the client": child.log(), **server.logs()})


def shown(file: Path) -> tuple[float, list[tuple[int, int, int]]]:
    """The length of a file in seconds, and the colour of the upper half of each picture that a player shows."""
    with av.open(str(file), "r") as clip:
        (stream,) = clip.streams.video
        colours = []
        for picture in clip.decode(stream):
            upper = picture.to_ndarray(format="rgb24")[: picture.height // 2]
            red, green, blue = (round(float(value)) for value in np.asarray(upper).mean(axis=(0, 1)))
            colours.append((red, green, blue))
        assert clip.duration is not None
        return clip.duration / 1_000_000, colours


def is_fast_start(file: Path) -> bool:
    """Whether the index comes before the media, and the file is not in fragments."""
    body = file.read_bytes()
    return b"moof" not in body and body.index(b"moov") < body.index(b"mdat")


def test_the_clip_shows_the_seconds_that_were_asked_for(observed: Observations, pairing: Pairing, folder: Path) -> None:
    clip = observed.of("clip")
    assert clip["kind"] == "snap"
    assert clip["end"] - clip["start"] == pytest.approx(2.0, abs=0.002)
    seconds, colours = shown(folder / "clip.mp4")
    if pairing.exact:
        assert seconds == pytest.approx(2.0, abs=0.1)
        assert all(is_near(colour, GREEN) for colour in colours), colours
    else:
        assert 1.9 <= seconds <= 3.2
        assert is_near(colours[-1], GREEN)


def test_the_file_is_flat_with_its_index_in_front(observed: Observations, folder: Path) -> None:
    assert observed.of("clip")["size"] == (folder / "clip.mp4").stat().st_size
    assert is_fast_start(folder / "clip.mp4")


def test_the_progress_is_told_part_by_part(observed: Observations) -> None:
    told = observed.of("clip")["progress"]
    fetched, total, size = zip(*told, strict=True)
    assert fetched[-1] == total[-1]
    assert list(size) == sorted(size)


def test_the_recording_begins_with_the_session(observed: Observations, folder: Path) -> None:
    recording = observed.of("recording")
    assert (recording["kind"], recording["start"]) == ("recording", 0)
    seconds, colours = shown(folder / "recording.mp4")
    assert seconds == pytest.approx(recording["end"], abs=4.1)
    assert is_near(colours[0], (200, 40, 40))
    assert is_near(colours[-1], GREEN)


def test_a_duration_of_nothing_is_refused(observed: Observations) -> None:
    assert observed.of("refused")["code"] == "INVALID_DURATION"


def test_the_clip_is_still_there_when_the_session_is_over(observed: Observations, folder: Path) -> None:
    assert observed.of("afterwards")["size"] == observed.of("clip")["size"]
    assert (folder / "afterwards.mp4").read_bytes() == (folder / "clip.mp4").read_bytes()
