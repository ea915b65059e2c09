"""Which tracks an answer refuses, in words that name the codec and the cure."""

from __future__ import annotations

import pytest

from reactor_protocol.errors import BadRequestError
from reactor_protocol.resources import MappedTrack
from reactor_rtc.port import Section
from reactor_runtime.sections import refused_tracks, section_of
from reactor_runtime.tracks import TrackSpec

TRACKS = (TrackSpec("main_video", "video", "out"), TrackSpec("camera", "video", "in"))


def description(*ports: int, codec: str = "H264") -> str:
    lines = ["v=0"]
    for mid, port in enumerate(ports):
        lines += [f"m=video {port} UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}", f"a=rtpmap:96 {codec}/90000"]
    return "\r\n".join([*lines, ""])


def mapped(name: str, mid: str, direction: str) -> MappedTrack:
    return MappedTrack.model_validate({"mid": mid, "name": name, "kind": "video", "direction": direction})


def test_a_track_whose_section_is_refused_is_told_with_its_codec_and_the_cure() -> None:
    mapping = [mapped("main_video", "0", "recvonly"), mapped("camera", "1", "sendonly")]
    assert refused_tracks(mapping, description(9, 9), description(0, 9), ("VP8", "VP9", "AV1")) == {
        "main_video": "the track 'main_video' cannot flow: its section (mid '0') offers H264 alone, and this server has "
        "VP8, VP9, AV1; offer VP8 too"
    }
    assert refused_tracks(mapping, description(9, 9), description(9, 9), ("VP8",)) == {}
    assert refused_tracks(mapping, description(0, 9), description(0, 9), ("VP8",)) == {}, "the client itself wants none of it"


def test_a_track_that_the_model_has_not_is_refused() -> None:
    assert section_of(mapped("camera", "1", "sendonly"), TRACKS) == Section("video", "receive", "1")
    with pytest.raises(BadRequestError, match="the model has no recvonly video track 'camera'"):
        section_of(mapped("camera", "1", "recvonly"), TRACKS)
