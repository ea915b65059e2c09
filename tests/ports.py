"""Ports for servers that have to be told theirs."""

import os
import random
import socket
from collections.abc import Iterator
from itertools import count

FIRST, EACH, PROCESSES = 20_000, 1_000, 10
"""Below the ports that the system gives to connections; each process of a run has so many of its own."""


def _mine() -> Iterator[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw9").removeprefix("gw")) % PROCESSES
    for step in count(random.randrange(EACH)):
        yield FIRST + number * EACH + step % EACH


_ports = _mine()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that nobody else of this run is given."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the ports never end")
