"""Asking the network: who listens, what it answers to HTTP, whether STUN servers answer."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any, Final

import aiohttp

from reactor_cli.doctor.facts import HttpFacts, PortFacts, ServerFacts, Target

_MAX_BYTES: Final = 64 * 1024
_MAX_WORD: Final = 2048
_BINDING_REQUEST: Final = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
_HEALTH_WORDS: Final = ("healthy", "degraded", "unhealthy", "draining")
_LISTENING: Final = "0A"
STUN_LIMIT_S: Final = 2.0
_RESEND_S: Final = 0.5


async def knock(target: Target, limit_s: float) -> PortFacts:
    """Whether anybody takes connections there."""
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except TimeoutError:
        return PortFacts("silent", f"no connection within {limit_s:g} s")
    except socket.gaierror as error:
        return PortFacts("unknown host", error.strerror or str(error))
    except OSError as error:
        refused = f"[Errno {errno.ECONNREFUSED}]" in str(error)  # the errors of several addresses come as one text
        return PortFacts("refused" if refused else "unreachable", _why(error))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return PortFacts("open")


async def ask_health(target: Target, limit_s: float) -> HttpFacts:
    """What ``GET /health`` says, and who says it."""
    timeout = aiohttp.ClientTimeout(total=limit_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(f"{target.url}/health") as reply,
        ):
            body = _parsed(await reply.content.read(_MAX_BYTES))
            status, server = reply.status, reply.headers.get("Server", "")[:_MAX_WORD]
    except TimeoutError:
        return HttpFacts(failure=f"nothing came within {limit_s:g} s", who=_listener(target))
    except (aiohttp.ClientError, OSError) as error:
        return HttpFacts(failure=str(error)[:_MAX_WORD] or type(error).__name__, who=_listener(target))
    health, state = _word(body, "status"), _word(body, "state")
    if health not in _HEALTH_WORDS:
        return HttpFacts(status=status, server=server, who=_listener(target))
    return HttpFacts(status, "runtime" if state else "coordinator", health, state, _word(body, "detail"), server)


def _why(error: OSError) -> str:
    """Why, in words: asyncio replaces the system's by its own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else (error.strerror or str(error))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _word(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value[:_MAX_WORD] if isinstance(value, str) else ""


# ------------------------------------------------------------------------------------------------- who listens here


def _listener(target: Target) -> str:
    """Which program of this machine listens on the port, as ``name, pid N``; empty where that cannot be told."""
    if not target.here:
        return ""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(Path("/proc/net") / table, target.port)}
    if not inodes:
        return ""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, inodes):
            with contextlib.suppress(OSError):
                return f"{(process / 'comm').read_text().strip()}, pid {process.name}"
    return ""


def _listening(table: Path, port: int) -> list[str]:
    """The sockets that listen on a port, by their inode."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        held = [os.readlink(each) for each in (process / "fd").iterdir()]
    except OSError:
        return False
    return any(link.removeprefix("socket:[").removesuffix("]") in inodes for link in held if link.startswith("socket:["))


# ------------------------------------------------------------------------------------------------------ STUN, TURN


async def ask_server(url: str) -> ServerFacts:
    """Whether a STUN or TURN server answers (RFC 8489): both answer a binding request, without credentials."""
    scheme, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    host, _, port = place.rpartition(":") if ":" in place.rpartition("]")[2] else (place, "", "")
    number = int(port) if port.isdecimal() and int(port) < 65536 else (5349 if scheme.endswith("s") else 3478)
    began = time.perf_counter()
    try:
        async with asyncio.timeout(STUN_LIMIT_S):
            if scheme.endswith("s") or "transport=tcp" in query:
                _, writer = await asyncio.open_connection(host.strip("[]"), number)
                writer.close()
            else:
                await _bind(host.strip("[]"), number)
    except TimeoutError:
        return ServerFacts(url, None, f"no answer within {STUN_LIMIT_S:g} s")
    except OSError as error:
        return ServerFacts(url, None, _why(error))
    return ServerFacts(url, (time.perf_counter() - began) * 1e3)


class _Binding(asyncio.DatagramProtocol):
    """Waits for the answer to one request."""

    def __init__(self, answered: asyncio.Future[None], transaction: bytes) -> None:
        self._answered = answered
        self._transaction = transaction

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if data[8:20] == self._transaction and not self._answered.done():
            self._answered.set_result(None)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)


async def _bind(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()
    transaction = secrets.token_bytes(12)
    transport, _ = await loop.create_datagram_endpoint(lambda: _Binding(answered, transaction), remote_addr=(host, port))
    try:
        while not answered.done():
            transport.sendto(_BINDING_REQUEST + transaction)
            await asyncio.wait({answered}, timeout=_RESEND_S)
        answered.result()
    finally:
        transport.close()
