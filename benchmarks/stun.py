"""STUN servers on the loopback: one that answers, and one that is reachable and never says a word."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAGIC = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
XOR_MAPPED_ADDRESS = 0x0020
IPV4 = 0x01


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that does not answer; yields its ``stun:`` URL."""
    with _bound_socket() as held:
        yield _url(held)


@contextmanager
def answering_server() -> Iterator[str]:
    """A server that tells everyone the address they come from; yields its ``stun:`` URL."""
    with _bound_socket() as held:
        held.settimeout(0.2)
        stop = threading.Event()
        thread = threading.Thread(target=_answer_until, args=(held, stop), name="stun", daemon=True)
        thread.start()
        try:
            yield _url(held)
        finally:
            stop.set()
            thread.join()


def binding_response(request: bytes, address: tuple[str, int]) -> bytes | None:
    """The answer to one binding request (RFC 8489) that came from `address`; None for anything else."""
    if len(request) < 20:
        return None
    kind, _, magic = struct.unpack_from("!HHI", request)
    if kind != BINDING_REQUEST or magic != MAGIC:
        return None
    host, port = address
    masked_host = int.from_bytes(socket.inet_aton(host), "big") ^ MAGIC
    value = struct.pack("!BBHI", 0, IPV4, port ^ (MAGIC >> 16), masked_host)
    attribute = struct.pack("!HH", XOR_MAPPED_ADDRESS, len(value)) + value
    return struct.pack("!HHI", BINDING_SUCCESS, len(attribute), MAGIC) + request[8:20] + attribute


def _bound_socket() -> socket.socket:
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.bind(("127.0.0.1", 0))
    return held


def _url(held: socket.socket) -> str:
    return f"stun:127.0.0.1:{held.getsockname()[1]}"


def _answer_until(held: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            request, address = held.recvfrom(2048)
        except TimeoutError:
            continue
        response = binding_response(request, address)
        if response is not None:
            held.sendto(response, address)
