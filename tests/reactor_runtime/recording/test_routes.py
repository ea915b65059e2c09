"""Clips of a session over HTTP, from a whole runtime."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.reactor_runtime.recording.studio import levels
from tests.reactor_runtime.runtime_support import STUDIO, House, opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_runtime.recording.options import RecordingOptions

RECORDED = replace(STUDIO, recording=RecordingOptions(enabled=True))
UNKNOWN = "6f0c2f3e-0000-4000-8000-000000000009"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened(RECORDED) as house:
        await house.start()
        yield house


async def recorded(house: House, seconds: float) -> Visitor:
    """A client of a session of which that much is recorded."""
    visitor = await house.welcome()

    async def enough() -> bool:
        recording = house.runtime.recordings.find(house.runtime.table.session_id or "")
        return recording is not None and recording.now >= seconds

    await poll(enough)
    return visitor


async def clip_of(visitor: Visitor, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
    def answers() -> list[ClipReady | ClipFailed]:
        return [message for message in visitor.received if isinstance(message, ClipReady | ClipFailed)]

    before = len(answers())
    visitor.say(request)
    await visitor.changes.until(lambda: len(answers()) > before)
    return answers()[before]


async def ready(visitor: Visitor, request: RequestClip | RequestRecording) -> ClipReady:
    clip = await clip_of(visitor, request)
    assert isinstance(clip, ClipReady)
    return clip


async def test_the_descriptor_says_whether_sessions_are_recorded(house: House) -> None:
    assert (await house.http.get("/session")).json()["recording"] == {"enabled": True, "chunk_seconds": 4}


async def test_a_clip_is_ready_at_the_first_request(house: House) -> None:
    visitor = await recorded(house, 1.4)
    clip = await ready(visitor, RequestClip(1.0))
    assert (clip.session_id, clip.kind) == (house.runtime.table.session_id, "snap")
    assert clip.end_marker - clip.start_marker == pytest.approx(1.0)
    answer = await house.http.get(clip.playlist_url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.apple.mpegurl")
    assert answer.text.endswith("#EXT-X-ENDLIST\n")
    assert ":FINAL=NO," in answer.text
    seconds = [float(each) for each in re.findall(r"#EXTINF:([0-9.]+),", answer.text)]
    assert 1.0 <= sum(seconds) <= 2.05


async def test_the_parts_of_a_playlist_are_a_film(house: House) -> None:
    visitor = await recorded(house, 0.6)
    text = (await house.http.get((await ready(visitor, RequestRecording())).playlist_url)).text
    init = re.findall(r'URI="([^"]+)"', text)[0]
    parts = [init, *(line for line in text.splitlines() if line.startswith("/"))]
    answers = [await house.http.get(part) for part in parts]
    assert [answer.status_code for answer in answers] == [200] * len(parts)
    assert answers[0].headers["content-type"] == "video/mp4"
    assert {answer.headers["content-type"] for answer in answers[1:]} == {"video/iso.segment"}
    assert [bright for _, bright in levels(b"".join(answer.content for answer in answers))][-1] == pytest.approx(60, abs=4)


async def test_a_range_of_a_part_is_given(house: House) -> None:
    visitor = await recorded(house, 0.3)
    await house.http.get((await ready(visitor, RequestRecording())).playlist_url)
    path = f"/clips/chunks/{house.runtime.table.session_id}/init.mp4"
    whole = (await house.http.get(path)).content
    part = await house.http.get(path, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(whole)}"
    outside = await house.http.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(whole)}")


async def test_what_is_still_to_come_is_pending_with_a_time_to_ask_again(house: House) -> None:
    await recorded(house, 0.3)
    answer = await house.http.get(f"/clips?session_id={house.runtime.table.session_id}&start=0&end=3600")
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")


@pytest.mark.parametrize(
    "times",
    [
        "start=1&end=1",
        "start=2&end=1",
        "start=-1&end=1",
        "start=nan&end=1",
        "start=0&end=inf",
        "start=0",
        "end=1",
        "start=1_0&end=20",
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(house: House, times: str) -> None:
    answer = await house.http.get(f"/clips?session_id={house.runtime.table.session_id}&{times}")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "session_id", [UNKNOWN, "", "..", "6F0C2F3E-0000-4000-8000-000000000009", "00000000-0000-0000-0000-000000000000"]
)
async def test_a_recording_that_is_not_there_is_gone(house: House, session_id: str) -> None:
    assert (await house.http.get("/clips", params={"session_id": session_id, "start": "0", "end": "1"})).status_code == 410


async def test_a_part_that_is_not_there_is_not_found(house: House) -> None:
    await recorded(house, 0.3)
    root = f"/clips/chunks/{house.runtime.table.session_id}"
    for name in ("chunk_00000.m4s", "chunk_00007.m4s", "chunk_00000_0_90.m4s", "manifest.m3u8", "..%2Finit.mp4", "chunk_0.m4s"):
        assert (await house.http.get(f"{root}/{name}")).status_code == 404, name
    assert (await house.http.get(f"/clips/chunks/{UNKNOWN}/init.mp4")).status_code == 410


async def test_a_session_that_is_over_is_complete_and_still_served(house: House) -> None:
    await recorded(house, 0.5)
    session_id = house.runtime.table.session_id
    assert (await house.http.post("/stop_session")).status_code == 200
    await house.until("ready")
    answer = await house.http.get(f"/clips?session_id={session_id}&start=0&end=3600")
    assert answer.status_code == 200
    assert ":FINAL=YES," in answer.text
    assert f"/clips/chunks/{session_id}/chunk_00000.m4s\n" in answer.text
    past = await house.http.get(f"/clips?session_id={session_id}&start=1800&end=3600")
    assert past.status_code == 404


async def test_what_a_model_made_before_it_stood_still_is_there_at_once(house: House) -> None:
    visitor = await recorded(house, 0.3)
    await visitor.command("stand_still")
    session_id = house.runtime.table.session_id
    recording = house.runtime.recordings.find(session_id or "")
    assert recording is not None
    assert recording.timeline.end < 0.3
    answer = await house.http.get(f"/clips?session_id={session_id}&start=0&end=0.3")
    assert answer.status_code == 200


async def test_the_next_session_has_a_recording_of_its_own(house: House) -> None:
    await recorded(house, 0.3)
    first = house.runtime.table.session_id
    await house.http.post("/stop_session")
    await house.until("ready")
    await house.start()
    await recorded(house, 0.3)
    second = house.runtime.table.session_id
    texts = [(await house.http.get(f"/clips?session_id={each}&start=0&end=0.2")).text for each in (first, second)]
    assert first is not None
    assert second is not None
    assert second not in texts[0]
    assert first not in texts[1]
    await house.http.post("/stop_session")
    for session_id, bright in ((first, 60), (second, 120)):
        root = f"/clips/chunks/{session_id}"
        body = [(await house.http.get(f"{root}/{name}")).content for name in ("init.mp4", "chunk_00000_0_0.m4s")]
        assert levels(b"".join(body))[0][1] == pytest.approx(bright, abs=4)


async def test_a_recording_survives_the_crash_of_its_model(house: House) -> None:
    await recorded(house, 0.5)
    session_id = house.runtime.table.session_id
    house.runtime.model_stopped(ModelFailedError("the model stopped: out of memory"))
    await house.until("terminated")
    answer = await house.http.get(f"/clips?session_id={session_id}&start=0&end=3600")
    assert answer.status_code == 200
    assert ":FINAL=YES," in answer.text


async def test_nothing_is_recorded_where_nothing_is_said() -> None:
    async with opened() as house:
        await house.start()
        assert (await house.http.get("/session")).json()["recording"] == {"enabled": False, "chunk_seconds": 4}
        visitor = await house.welcome()
        assert await clip_of(visitor, RequestClip(5.0)) == ClipFailed("recorder disabled or encoder crashed")
        session_id = house.runtime.table.session_id
        assert (await house.http.get(f"/clips?session_id={session_id}&start=0&end=1")).status_code == 410
