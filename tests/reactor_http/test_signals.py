"""What ends a server, also where event loops know no signals; and listening on both families of addresses."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading

import pytest

from reactor_http.listen import address, bind
from reactor_http.signals import when_asked_to_end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_loop_that_knows_no_signals_is_told_all_the_same(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    assert threading.current_thread() is threading.main_thread()
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def absent(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(loop, "add_signal_handler", absent)
    heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
    try:
        when_asked_to_end(heard.put_nowait)
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            assert await heard.get() is number
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@needs_ipv6
def test_any_address_of_ipv6_is_any_address() -> None:
    with bind("::", 0) as listener:
        port = listener.getsockname()[1]
        assert address(listener) == f"http://[::1]:{port}"
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=10).close()


@needs_ipv6
def test_one_address_of_ipv6_is_that_one() -> None:
    with bind("::1", 0) as listener:
        port = listener.getsockname()[1]
        assert address(listener) == f"http://[::1]:{port}"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)
