"""Attributes of a whole session, in descriptions of peers that mean no good too."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.attributes import declares_trailers, session_part, with_session_line
from reactor_protocol.chunking import offered, with_agreement

TRAILERS = "a=x-reactor-frame-metadata:1"
LINES = ["v=0", "m=video 9 X 0", "a=mid:0", TRAILERS, "a=x-reactor-dc-chunking:1 max-message-size=67108864", "\r", "\0", "é"]
EXAMPLES = settings(max_examples=100, deadline=None)

descriptions = st.text() | st.lists(st.sampled_from(LINES), max_size=8).map("\r\n".join)


def test_only_the_part_before_the_media_counts() -> None:
    assert declares_trailers(f"v=0\r\n{TRAILERS}\r\nm=video 9 X 0\r\n")
    assert not declares_trailers(f"v=0\r\nm=video 9 X 0\r\n{TRAILERS}\r\n")
    assert session_part("v=0\r\nm=video\r\n") == "v=0\r\n"
    assert with_session_line("v=0\r\nm=video\r\n", "a=x") == "v=0\r\na=x\r\nm=video\r\n"


@EXAMPLES
@given(descriptions)
def test_no_description_raises(sdp: str) -> None:
    assert sdp.startswith(session_part(sdp).removesuffix("\n"))
    declares_trailers(sdp)
    limit = offered(sdp)
    assert limit is None or 0 < limit < 10**12
    assert len(with_agreement(sdp, 5)) < len(sdp) + 100
