"""One connection's wire: its version, its chunking, and what waits until the version is known."""

import pytest

from reactor_protocol.channel import ChannelTimes, FrameRefused, MessageReceived, PeerSilent
from reactor_protocol.codec import Frame
from reactor_protocol.errors import MessageTooLargeError, TransportError
from reactor_protocol.messages import ApplicationMessage, Ping, RuntimeMessage
from reactor_runtime.wire import Wire

OFFER = "v=0\r\ns=-\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
CHUNKING = OFFER.replace("m=", "a=x-reactor-dc-chunking:1 max-message-size=67108864\r\nm=")
PING = b"\x10\x03R\x00"


def wire(offer: str) -> Wire:
    new = Wire(0.0, ChannelTimes())
    new.hear_offer(offer)
    return new


def test_a_client_that_does_not_declare_chunking_is_spoken_to_at_once() -> None:
    plain = wire(OFFER)
    assert plain.frames(ApplicationMessage("hello")) == [
        Frame("data", '{"scope":"application","data":{"type":"hello","data":{}}}'),
    ]
    assert plain.declare("v=0\r\n") == "v=0\r\n"
    assert plain.receive(Frame("control", PING), 0.0) == MessageReceived(Ping())
    assert plain.frames(ApplicationMessage("hello")) == [Frame("data", b"\x10\x03R\x09\x0a\x05hello\x12\x00")]


def test_the_answer_declares_one_mebibyte() -> None:
    assert wire(CHUNKING).declare(OFFER) == OFFER.replace("m=", "a=x-reactor-dc-chunking:1 max-message-size=1048576\r\nm=")


def test_what_is_said_before_the_clients_first_word_waits() -> None:
    early = wire(CHUNKING)
    assert early.frames(ApplicationMessage("hello")) == []
    assert not early.spoken
    assert early.receive(Frame("control", b"\x00" + PING), 0.0) == MessageReceived(Ping())
    assert early.spoken
    assert early.release() == [ApplicationMessage("hello")]
    assert early.release() == []
    assert early.frames(ApplicationMessage("hello")) == [Frame("data", b"\x00\x10\x03R\x09\x0a\x05hello\x12\x00")]


def test_a_client_that_declares_trailers_may_speak_v1_too() -> None:
    early = wire(OFFER.replace("m=", "a=x-reactor-frame-metadata:1\r\nm="))
    assert early.frames(ApplicationMessage("hello")) == []
    assert early.declare(OFFER) == OFFER, "fragments are not agreed on"
    assert early.receive(Frame("control", PING), 0.0) == MessageReceived(Ping())


def test_a_client_that_stays_silent_is_spoken_to_in_v0() -> None:
    silent = wire(CHUNKING)
    silent.release()
    (frame,) = silent.frames(ApplicationMessage("hello"))
    assert frame == Frame("data", b'\x02{"scope":"application","data":{"type":"hello","data":{}}}')


def test_no_more_than_64_messages_wait() -> None:
    early = wire(CHUNKING)
    for _ in range(64):
        assert early.frames(ApplicationMessage("tick")) == []
    with pytest.raises(TransportError, match="64"):
        early.frames(ApplicationMessage("tick"))
    assert len(early.release()) == 64


def test_a_large_message_goes_in_fragments_up_to_the_limit_of_either_side() -> None:
    large, small = wire(CHUNKING), wire(CHUNKING.replace("67108864", "100000"))
    for one in (large, small):
        one.receive(Frame("control", b"\x00" + PING), 0.0)
        one.release()
    message = ApplicationMessage("c", {"s": "x" * 300_000})
    assert [len(frame.payload) for frame in large.frames(message)][:4] == [65_536, 65_536, 65_536, 65_536]
    with pytest.raises(MessageTooLargeError, match="1048576"):
        large.frames(ApplicationMessage("c", {"s": "x" * 1_048_576}))
    with pytest.raises(MessageTooLargeError, match="100000"):
        small.frames(message)


def test_without_fragments_the_limit_is_what_the_client_takes_in_one_message() -> None:
    with pytest.raises(MessageTooLargeError, match=r"c is 7\d{4} bytes, above the limit of 65536 that this connection has"):
        wire(OFFER).frames(ApplicationMessage("c", {"s": "x" * 70_000}))
    (frame,) = wire(f"{OFFER}a=max-message-size:262144\r\n").frames(ApplicationMessage("c", {"s": "x" * 70_000}))
    assert len(frame.payload) > 70_000
    with pytest.raises(MessageTooLargeError, match="262144"):
        wire(f"{OFFER}a=max-message-size:0\r\n").frames(ApplicationMessage("c", {"s": "x" * 300_000}))


def test_a_fragment_is_no_larger_than_a_message_of_the_client() -> None:
    small = wire(f"{CHUNKING}a=max-message-size:16384\r\n")
    small.receive(Frame("control", b"\x00" + PING), 0.0)
    small.release()
    sizes = [len(frame.payload) for frame in small.frames(ApplicationMessage("c", {"s": "x" * 40_000}))]
    assert sizes[:2] == [16_384, 16_384]
    assert len(sizes) == 3


def test_a_notice_that_v1_has_no_words_for_is_not_said() -> None:
    plain = wire(OFFER)
    notice = RuntimeMessage("sessionExpiration", {})
    assert len(plain.frames(notice)) == 1
    plain.receive(Frame("control", PING), 0.0)
    assert plain.frames(notice) == []


def test_the_fragments_of_each_channel_are_apart() -> None:
    both = wire(CHUNKING)
    assert both.receive(Frame("control", b"\x01" + PING[:2]), 1.0) is None
    assert both.receive(Frame("data", b"\x00\x52\x07\x0a\x05hello"), 1.0) is not None
    assert both.receive(Frame("control", b"\x00" + PING[2:]), 1.0) == MessageReceived(Ping())


def test_a_fragment_or_rubbish_breaks_the_silence() -> None:
    chunked = wire(CHUNKING)
    chunked.receive(Frame("control", b"\x01"), 7.0)
    assert chunked.next_deadline() == 27.0
    refused = chunked.receive(Frame("data", "text"), 8.0)
    assert isinstance(refused, FrameRefused)
    assert refused.label == "data"
    assert chunked.next_deadline() == 28.0
    assert chunked.handle_timeout(27.9) == []
    assert chunked.handle_timeout(28.0) == [PeerSilent(20.0)]
