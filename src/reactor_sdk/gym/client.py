"""The client that an environment steps through: it is told the number of each picture it receives."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from yarl import URL

from reactor_protocol.errors import InvalidStateError
from reactor_protocol.messages import CommandResult
from reactor_protocol.names import EXTENSION_ACKS, EXTENSION_FRAME_NUMBERS
from reactor_rtc.frames import VideoFrame
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import EventSink, Peer, PeerConfig, PeerFactory
from reactor_sdk import commands
from reactor_sdk.config import DEFAULT_API_URL, ClientOptions, checked_url, load_config
from reactor_sdk.events import Subscribable
from reactor_sdk.frames import Outlet
from reactor_sdk.gym.options import Place
from reactor_sdk.gym.pictures import KEPT
from reactor_sdk.gym.roles import Order
from reactor_sdk.reactor import Reactor
from reactor_sdk.stats import main_video

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def _reading_trailers(config: PeerConfig, on_event: EventSink) -> Peer:
    return make_peer(replace(config, trailers=True), on_event)


class EnvClient(Reactor):
    """A :class:`Reactor` with what environments need. Used on one event loop."""

    _make_peer: ClassVar[PeerFactory] = staticmethod(_reading_trailers)

    def __init__(self, place: Place) -> None:
        """Raises :class:`InvalidArgumentError` for an address or a token that can never work."""
        Subscribable.__init__(self)
        url = DEFAULT_API_URL if place.url is None else place.url
        key = place.api_key() if place.api_key is not None else None
        config = load_config(place.model_name, key, url, place.local, None, ClientOptions(place.jwt))
        config = replace(config, joins=place.share, spares=True, in_step=True)
        self._opens_itself = False
        # Beside a Reactor's, of which a program has one local one, environments stand at the runtimes that they are told.
        self._compose(config if place.url is None else replace(config, url=checked_url(place.url)))

    def check_exact(self) -> None:
        """Raises :class:`InvalidStateError` for a server that does not say which picture a command leads to."""
        offered = self.get_capabilities()
        told = offered.get("extensions", {}) if offered is not None else {}
        for extension in (EXTENSION_ACKS, EXTENSION_FRAME_NUMBERS):
            if told.get(extension, 0) < 1:
                raise InvalidStateError(
                    f"the server does not say which picture a command leads to (it lacks the extension {extension!r}): "
                    "an environment needs a runtime of this project"
                )

    async def ask(self, order: Order) -> CommandResult:
        """Sends a command. Its acknowledgement has the number of the first frame that it led to. Raises as ``send_command``."""
        connection = await self._connection(f"the command {order.command!r}")
        return await self._acknowledged(connection, commands.command(order.command, order.data))

    def video(self, track: str | None) -> str:
        """The name of a video track, the main one unless another is given. Raises as ``frames()``."""
        name = track or main_video(self._link.state.tracks())
        if name is None:
            raise InvalidStateError("the model sends no video, so that there is nothing to observe")
        self._check_watchable(name)
        return name

    def watch(self, track: str) -> Outlet[VideoFrame]:
        """The pictures of a video track, from the newest on."""
        return self._link.frames.subscribe(track, KEPT)

    def newest(self, track: str) -> VideoFrame | None:
        """The newest picture of a video track, if one has come."""
        return self._link.frames.newest(track)

    def age(self, frame: VideoFrame, now: float) -> float | None:
        """For how many seconds the picture has been there ``now``; None where the model's clock is not this machine's."""
        if frame.capture_time_us is None or URL(self._link.dialer.config.url).host not in _HERE:
            return None
        return now - frame.capture_time_us / 1_000_000
