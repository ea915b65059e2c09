"""Sections of descriptions as other stacks write them: what is refused, and where candidates stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor_protocol.errors import NegotiationError
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import PeerConfig, Section
from reactor_rtc.sdp_sections import sections, with_candidates_in_each_section, with_message_size, without_common_codec

FINGERPRINT = ":".join(["0A"] * 32)
VIDEO, DATA = "m=video 9 UDP/TLS/RTP/SAVPF 96", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"


def transport(ufrag: str) -> list[str]:
    return [
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{ufrag * 6}",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
    ]


def offer(codec: str, *, bundle: bool) -> str:
    """A video section that receives, and data, in the words of GStreamer 1.22: without ``a=max-message-size``."""
    ufrags = ("aaaa", "aaaa") if bundle else ("aaaa", "bbbb")
    video = [VIDEO, *transport(ufrags[0]), "a=mid:video0", "a=rtcp-mux", "a=recvonly", f"a=rtpmap:96 {codec}/90000"]
    data = [DATA, *transport(ufrags[1]), "a=mid:application1", "a=sctp-port:5000"]
    group = ["a=group:BUNDLE video0 application1"] if bundle else []
    return "\r\n".join(["v=0", "o=- 1 0 IN IP4 0.0.0.0", "s=-", "t=0 0", *group, *video, *data, ""])


async def answered(sdp: str, config: PeerConfig) -> str:
    peer = make_peer(config, lambda _event: None)
    try:
        return await peer.answer(sdp, [Section("video", "send", "video0")])
    finally:
        await peer.close()


STRANGER = PeerConfig(bundled=False)


@pytest.mark.network
async def test_an_offer_without_bundle_is_answered_section_by_section() -> None:
    answer = await answered(offer("VP8", bundle=False), STRANGER)
    assert "a=group:BUNDLE" not in answer
    video, data = sections(answer)
    assert (video.mid, video.codecs, video.port != 0) == ("video0", ["VP8"], True)
    assert (data.mid, data.port != 0) == ("application1", True)
    assert "a=max-message-size:262144" in data.lines, "silence would mean 64 KiB"
    for section in (video, data):
        assert any(line.startswith("a=candidate:") for line in section.lines), "each has a transport of its own"
    with pytest.raises(NegotiationError, match="no bundle group"):
        await answered(offer("VP8", bundle=False), PeerConfig())


@pytest.mark.network
@pytest.mark.parametrize("bundle", [True, False])
async def test_a_codec_that_this_engine_has_not_is_a_refused_section_beside_open_data_channels(bundle: bool) -> None:
    asked = offer("H264", bundle=bundle)
    answer = await answered(asked, STRANGER)
    video, data = sections(answer)
    assert (video.mid, video.port) == ("video0", 0)
    assert data.port != 0
    refused = without_common_codec(asked, answer)
    assert {mid: section.codecs for mid, section in refused.items()} == {"video0": ["H264"]}


@pytest.mark.network
async def test_the_candidates_of_a_bundle_stand_in_each_of_its_sections() -> None:
    video, data = sections(await answered(offer("VP8", bundle=True), STRANGER))
    found = [line for line in video.lines if line.startswith("a=candidate:")]
    assert found
    assert [line for line in data.lines if line.startswith("a=candidate:")] == found


ANSWER = """v=0
s=-
a=group:BUNDLE 0 1
m=video 4000 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=candidate:1 1 udp 1 10.0.0.1 4000 typ host
a=candidate:2 1 udp 1 10.0.0.2 4000 typ srflx raddr 10.0.0.1 rport 4000
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 97
a=mid:1
a=end-of-candidates
m=audio 0 UDP/TLS/RTP/SAVPF 0
a=mid:2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:3
""".replace("\n", "\r\n")


def test_only_sections_of_the_bundle_get_its_candidates() -> None:
    first, second = ANSWER.split("\r\n")[5:7]
    wanted = ANSWER.replace("a=mid:1\r\n", f"a=mid:1\r\n{first}\r\n{second}\r\n")
    assert with_candidates_in_each_section(ANSWER) == wanted
    assert with_candidates_in_each_section(wanted) == wanted


def test_the_size_of_messages_is_said_once_and_of_data_alone() -> None:
    told = ANSWER.replace("a=mid:3\r\n", "a=mid:3\r\na=max-message-size:262144\r\n")
    assert with_message_size(ANSWER, 262_144) == told
    assert with_message_size(told.replace("262144", "65536"), 262_144) == told


def test_without_candidates_or_a_bundle_nothing_changes() -> None:
    for sdp in (ANSWER.replace("a=group:BUNDLE 0 1\r\n", ""), "v=0\r\ns=-\r\n"):
        assert with_candidates_in_each_section(sdp) == sdp


@given(st.text(alphabet="am=:video audio 0169\r\nidBUNDLEgroupcte/rtpmap"))
def test_descriptions_of_strangers_do_no_harm(text: str) -> None:
    sections(text)
    with_candidates_in_each_section(f"v=0\r\n{text}")
    without_common_codec(text, text)
