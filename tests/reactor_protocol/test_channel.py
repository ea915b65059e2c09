"""Both roles of a channel, joined in memory; time is a number."""

from __future__ import annotations

import pytest

from reactor_protocol.channel import (
    Channel,
    ChannelEvent,
    ChannelTimes,
    FrameRefused,
    MessageReceived,
    PeerSilent,
    RequestAnswered,
    RequestFailed,
    Role,
)
from reactor_protocol.codec import Frame
from reactor_protocol.errors import DecodeError, DisconnectedError, MessageTooLargeError, RequestTimeoutError
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    Command,
    CommandResult,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RuntimeMessage,
    ServerMessage,
)


class Pair:
    """A client and a server; what one sends the other receives at once."""

    def __init__(self, times: ChannelTimes | None = None) -> None:
        self.client = Channel(Role.CLIENT, 0.0, times)
        self.server = Channel(Role.SERVER, 0.0, times)

    def to_server(self, message: ClientMessage, now: float = 0.0) -> ChannelEvent | None:
        return self.server.receive(self.client.send(message), now)

    def to_client(self, message: ServerMessage, now: float = 0.0) -> ChannelEvent | None:
        return self.client.receive(self.server.send(message), now)

    def ask(self, message: Command | PublishTrack, now: float = 0.0, timeout: float = 30.0) -> ChannelEvent | None:
        return self.server.receive(self.client.request(message, now, timeout), now)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_messages_cross(pair: Pair) -> None:
    assert pair.to_server(PauseTrack("v")) == MessageReceived(PauseTrack("v"))
    assert pair.to_client(ApplicationMessage("done", {"n": 4})) == MessageReceived(ApplicationMessage("done", {"n": 4}))


def test_a_request_is_answered_once(pair: Pair) -> None:
    request = Command("set_prompt", {"prompt": "hi"}, request_id="data_1")
    assert pair.ask(request) == MessageReceived(request)
    result = CommandResult("data_1", frame=3)
    assert pair.to_client(result) == RequestAnswered("data_1", result)
    assert pair.to_client(result) is None
    assert pair.client.handle_timeout(1_000.0)[0] == []


def test_publishing_is_answered(pair: Pair) -> None:
    assert pair.ask(PublishTrack("ctrl_1", "webcam")) == MessageReceived(PublishTrack("ctrl_1", "webcam"))
    refused = PublishResult("ctrl_1", Refusal("publish_refused", "track already published"))
    assert pair.to_client(refused) == RequestAnswered("ctrl_1", refused)


def test_answers_may_come_in_any_order(pair: Pair) -> None:
    for name in ("a", "b"):
        pair.ask(Command(name, request_id=name))
    for name in ("b", "a"):
        assert pair.to_client(CommandResult(name)) == RequestAnswered(name, CommandResult(name))


def test_an_answer_that_nobody_asked_for_is_ignored(pair: Pair) -> None:
    assert pair.to_client(CommandResult("data_9")) is None
    assert pair.to_client(PublishResult("ctrl_9")) is None


def test_a_command_without_request_id_awaits_nothing(pair: Pair) -> None:
    pair.ask(Command("jump"), timeout=1.0)
    assert pair.client.handle_timeout(2.0)[0] == []


def test_a_server_takes_no_answers(pair: Pair) -> None:
    text = '{"scope":"runtime","data":{"type":"commandResult","data":{"request_id":"data_1","ok":true}}}'
    assert pair.server.receive(Frame("data", text), 0.0) is None


def test_request_ids_do_not_repeat(pair: Pair) -> None:
    ids = [pair.client.next_request_id(prefix) for prefix in ("data", "ctrl", "data")]
    assert ids == ["data_1", "ctrl_2", "data_3"]


def test_a_request_times_out_at_its_deadline(pair: Pair) -> None:
    pair.ask(Command("paint", request_id="data_1"), now=1.0, timeout=2.0)
    assert pair.client.next_deadline() == 3.0
    assert pair.client.handle_timeout(2.999)[0] == []
    (event,) = pair.client.handle_timeout(3.0)[0]
    assert isinstance(event, RequestFailed)
    assert event.request_id == "data_1"
    assert isinstance(event.error, RequestTimeoutError)
    assert "paint" in str(event.error)
    assert pair.client.handle_timeout(4.0)[0] == []
    assert pair.to_client(CommandResult("data_1"), 4.0) is None, "an answer that comes too late means nothing"


def test_a_timeout_names_the_track(pair: Pair) -> None:
    pair.ask(PublishTrack("ctrl_1", "webcam"), timeout=10.0)
    events, _ = pair.client.handle_timeout(10.0)
    assert "publish_track('webcam')" in str(events[0].error if isinstance(events[0], RequestFailed) else "")


def test_a_forgotten_request_is_not_told_of(pair: Pair) -> None:
    pair.ask(Command("paint", request_id="data_1"), timeout=1.0)
    pair.client.forget("data_1")
    pair.client.forget("data_1")
    assert pair.client.next_deadline() == 5.0
    assert pair.client.handle_timeout(2.0)[0] == []
    assert pair.to_client(CommandResult("data_1")) is None


def test_a_lost_connection_fails_what_is_pending(pair: Pair) -> None:
    pair.ask(Command("a", request_id="data_1"))
    pair.ask(PublishTrack("ctrl_2", "webcam"))
    error = DisconnectedError("gone")
    assert pair.client.fail_pending(error) == [RequestFailed("data_1", error), RequestFailed("ctrl_2", error)]
    assert pair.client.fail_pending(error) == []
    assert pair.client.handle_timeout(100.0)[0] == []


def test_a_client_pings_every_five_seconds(pair: Pair) -> None:
    assert pair.client.next_deadline() == 5.0
    assert pair.client.handle_timeout(4.9) == ([], [])
    events, frames = pair.client.handle_timeout(5.0)
    assert events == []
    assert frames == [Frame("data", '{"scope":"runtime","data":{"type":"ping","data":{}}}')]
    assert pair.client.next_deadline() == 10.0
    assert pair.server.receive(frames[0], 5.0) == MessageReceived(Ping())


def test_a_late_client_pings_once(pair: Pair) -> None:
    assert len(pair.client.handle_timeout(60.0)[1]) == 1
    assert pair.client.next_deadline() == 65.0


@pytest.mark.parametrize("frame", [Frame("data", "{}"), Frame("control", "rubbish"), Frame("data", b"\x01")])
def test_a_server_gives_a_silent_client_up_after_twenty_seconds(pair: Pair, frame: Frame) -> None:
    assert pair.server.next_deadline() == 20.0
    pair.server.receive(frame, 7.0)
    assert pair.server.next_deadline() == 27.0, "anything that comes counts, sense or not"
    assert pair.server.handle_timeout(26.9) == ([], [])
    assert pair.server.handle_timeout(27.5) == ([PeerSilent(20.5)], [])


def test_times_can_be_set() -> None:
    pair = Pair(ChannelTimes(ping_interval=1.0, silence_timeout=0))
    assert pair.client.next_deadline() == 1.0
    assert pair.server.next_deadline() is None
    assert pair.server.handle_timeout(1e9) == ([], [])


def test_a_client_does_not_mind_silence(pair: Pair) -> None:
    assert not [event for event in pair.client.handle_timeout(1e6)[0] if isinstance(event, PeerSilent)]


def test_rubbish_is_refused_and_harms_nothing(pair: Pair) -> None:
    for channel in (pair.client, pair.server):
        event = channel.receive(Frame("control", "{"), 0.0)
        assert isinstance(event, FrameRefused)
        assert event.label == "control"
        assert "not JSON" in event.reason
    assert pair.to_server(Ping()) == MessageReceived(Ping())


def test_unknown_kinds_mean_nothing(pair: Pair) -> None:
    assert pair.server.receive(Frame("data", '{"scope":"runtime","data":{"type":"dance","data":{}}}'), 0.0) is None


@pytest.mark.parametrize("first", [b"\x10\x03R\x00", b""])
def test_the_first_frame_latches_v1(pair: Pair, first: bytes) -> None:
    assert not pair.server.latched
    assert pair.server.receive(Frame("control", first), 0.0) in (MessageReceived(Ping()), None)
    assert pair.server.latched
    assert pair.server.send(CommandResult("r1")) == Frame("data", b"\x0a\x02r1\x10\x02")
    later = pair.server.receive(Frame("data", '{"type":"jump"}'), 0.0)
    assert isinstance(later, FrameRefused)
    assert "v1 is binary" in later.reason


def test_what_a_server_says_before_the_first_frame_is_v0(pair: Pair) -> None:
    early = pair.server.send(ApplicationMessage("hello"))
    assert early == Frame("data", '{"scope":"application","data":{"type":"hello","data":{}}}')


def test_a_notice_that_v1_does_not_have(pair: Pair) -> None:
    notice = RuntimeMessage("sessionExpiration", {"remaining_s": 60})
    assert pair.server.can_say(notice)
    pair.server.receive(Frame("control", b"\x10\x03R\x00"), 0.0)
    assert not pair.server.can_say(notice)


def test_the_limit_of_what_is_sent_can_be_raised(pair: Pair) -> None:
    pair.server.max_bytes = 400_000
    pair.server.send(ApplicationMessage("c", {"s": "x" * 300_000}))
    with pytest.raises(MessageTooLargeError, match="400000"):
        pair.server.send(ApplicationMessage("c", {"s": "x" * 400_000}))


def test_a_part_of_a_message_breaks_the_silence(pair: Pair) -> None:
    pair.server.hear(7.0)
    assert pair.server.next_deadline() == 27.0


@pytest.mark.parametrize("first", ['{"scope":"runtime","data":{"type":"ping"}}', b' {"scope":"runtime","data":{"type":"ping"}}'])
def test_the_first_frame_latches_v0(pair: Pair, first: str | bytes) -> None:
    assert pair.server.receive(Frame("data", first), 0.0) == MessageReceived(Ping())
    later = pair.server.receive(Frame("data", b"\x0a\x02q1"), 0.0)
    assert isinstance(later, FrameRefused)
    assert "not JSON" in later.reason, "v0 stays: this is v0 that makes no sense"


def test_a_message_above_256_kib_is_not_sent(pair: Pair) -> None:
    # The envelope of this command is 59 bytes long.
    assert len(str(pair.client.send(Command("c", {"s": ""})).payload)) == 59
    fits = Command("c", {"s": "x" * (262_144 - 59)})
    assert pair.to_server(fits) == MessageReceived(fits)
    with pytest.raises(MessageTooLargeError, match=r"c is 262145 bytes.*upload_file"):
        pair.client.send(Command("c", {"s": "x" * (262_144 - 58)}))
    with pytest.raises(MessageTooLargeError):
        pair.server.send(ApplicationMessage("c", {"s": "ä" * 140_000}))


def test_a_request_that_is_too_large_is_not_pending(pair: Pair) -> None:
    with pytest.raises(MessageTooLargeError):
        pair.client.request(Command("c", {"s": "x" * 300_000}, request_id="data_1"), 0.0, 1.0)
    assert pair.client.fail_pending(DisconnectedError("gone")) == []


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
def test_data_that_is_not_json_is_not_sent(pair: Pair, value: object) -> None:
    with pytest.raises(DecodeError):
        pair.client.send(Command("c", {"v": value}))
