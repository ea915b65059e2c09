"""Listening on an address, and a server that leaves signals to whoever runs it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

import uvicorn

from reactor_protocol.errors import InvalidArgumentError

_BACKLOG = 2048


class AddressInUseError(InvalidArgumentError):
    """An address that cannot be listened on; the message says why and what to do."""

    code = "BAD_CONFIGURATION"


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever runs it tells its clients first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Listens at once, so that a client which comes before the server does waits instead of failing.

    Raises :class:`AddressInUseError`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # "Any address" means those of IPv4 as well, where the system can do both at once.
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise AddressInUseError(f"cannot listen on {host}:{port}: {reason}; {_cure(error)}") from error
    # asyncio sets it only where it made the socket itself; without it an answer waits 40 ms for the client's delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _cure(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "give an address of this machine as --host"
    if error.errno == errno.EACCES:
        return "give a --port above 1023"
    return "stop whatever listens there, or give another --port"


def address(listener: socket.socket) -> str:
    """How to reach a listener from this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
