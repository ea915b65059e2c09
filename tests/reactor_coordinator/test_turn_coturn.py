"""TURN credentials against a real coturn: two peers that may use nothing but its relay."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.interop.provisioning import command
from tests.ports import free_port

from reactor_coordinator.config import IceSpec, TurnSpec
from reactor_coordinator.turn import ice_servers
from reactor_protocol.codec import Frame
from reactor_rtc.peer_proxy import make_peer
from reactor_rtc.port import ChannelOpened, FrameReceived, IceServer, Peer, PeerConfig, PeerState, StateChanged
from reactor_testing.peer_pairs import Observed
from reactor_testing.pool_conformance import until

pytestmark = pytest.mark.network

SECRET = "a secret of this test"
TTL_S = 600
START_LIMIT_S = 60.0
GATHER_LIMIT_S = 10.0


@dataclass(frozen=True)
class Coturn:
    """A TURN server on this machine, and what it has written."""

    port: int
    log: Path

    def peer_config(self, now: float, secret: str = SECRET, user: str = "w-1") -> PeerConfig:
        """A peer that may use nothing but the relay, with credentials that were given at ``now``."""
        spec = IceSpec(turn=TurnSpec(urls=[f"turn:127.0.0.1:{self.port}?transport=udp"], secret=secret, ttl_seconds=TTL_S))
        (server,) = ice_servers(spec, user, now).ice_servers
        assert server.credentials is not None
        ice = IceServer(tuple(server.uris), server.credentials.username, server.credentials.password)
        return PeerConfig(ice_servers=(ice,), relay_only=True, gather_limit_s=GATHER_LIMIT_S)


def _wait_until_it_listens(process: subprocess.Popen[bytes], coturn: Coturn) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", coturn.port), 1).close()
        except OSError:
            assert process.poll() is None, f"turnserver ended:\n{coturn.log.read_text()}"
        else:
            return
    raise AssertionError(f"turnserver does not listen:\n{coturn.log.read_text()}")


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    folder = tmp_path_factory.mktemp("coturn")
    server = Coturn(free_port(), folder / "log.txt")
    arguments = [
        command("turnserver", ["coturn"], print),
        "-n",
        *("--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(server.port)),
        *("--use-auth-secret", "--static-auth-secret", SECRET, "--realm", "openreactor.test"),
        *("--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--no-multicast-peers", "--verbose"),
        *("--log-file", "stdout", "--pidfile", str(folder / "pid"), "--userdb", str(folder / "turndb")),
    ]
    with server.log.open("wb") as log:
        process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_listens(process, server)
        yield server
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def _peer(config: PeerConfig) -> AsyncIterator[tuple[Peer, Observed]]:
    said = Observed()
    peer = make_peer(config, said)
    try:
        yield peer, said
    finally:
        await peer.close()


async def _candidates(config: PeerConfig) -> list[str]:
    """The candidates that a peer offers once it has asked all its servers."""
    async with _peer(config) as (peer, _):
        offer = await peer.offer([], ["data"])
        return [line for line in offer.sdp.splitlines() if line.startswith("a=candidate:")]


async def test_a_message_goes_through_the_relay(coturn: Coturn) -> None:
    config = coturn.peer_config(time.time())
    async with _peer(config) as (offerer, said), _peer(config) as (answerer, heard):
        offer = await offerer.offer([], ["data"])
        answer = await answerer.answer(offer.sdp, [])
        for description in (offer.sdp, answer):
            candidates = [line for line in description.splitlines() if line.startswith("a=candidate:")]
            assert candidates
            assert all(" typ relay " in line for line in candidates)
        await offerer.accept_answer(answer)
        for observed in (said, heard):
            await observed.until(StateChanged(PeerState.CONNECTED), ChannelOpened("data"))
        offerer.send(Frame("data", "over the relay"))
        await heard.until(FrameReceived(Frame("data", "over the relay")))
        answerer.send(Frame("data", "and back"))
        await said.until(FrameReceived(Frame("data", "and back")))


async def test_fresh_credentials_are_taken(coturn: Coturn) -> None:
    async def granted() -> bool:
        return ":guest>: incoming packet ALLOCATE processed, success" in coturn.log.read_text()

    candidates = await _candidates(coturn.peer_config(time.time(), user="guest"))
    assert candidates
    assert all(" typ relay " in line for line in candidates)
    await until(granted)


@pytest.mark.parametrize(
    ("user", "age_s", "secret"),
    [("late", TTL_S + 60, SECRET), ("forger", 0, "another secret of nobody")],
    ids=["expired", "wrong"],
)
async def test_expired_and_wrong_credentials_are_refused(coturn: Coturn, user: str, age_s: float, secret: str) -> None:
    """There is no candidate to offer, and not because the server has not answered."""

    async def refused() -> bool:
        return f":{user}>: incoming packet message processed, error 401: Unauthorized" in coturn.log.read_text()

    began = asyncio.get_running_loop().time()
    assert await _candidates(coturn.peer_config(time.time() - age_s, secret, user)) == []
    assert asyncio.get_running_loop().time() - began < GATHER_LIMIT_S
    await until(refused)
    assert f":{user}>: incoming packet ALLOCATE processed, success" not in coturn.log.read_text()
