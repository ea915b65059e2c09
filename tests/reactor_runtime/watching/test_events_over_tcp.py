"""``/events`` over a real socket: a reader that takes nothing, and a server that ends while somebody reads."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from tests.reactor_runtime.waiting import poll

from reactor_http.listen import Server
from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.watching.routes import watching_routes
from reactor_runtime.watching.watch import Watch

DEADLINE_S = 40.0


@contextlib.asynccontextmanager
async def served(watch: Watch) -> AsyncIterator[int]:
    """The routes on a port of this machine."""
    app = FastAPI()
    app.include_router(watching_routes(watch))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(DEADLINE_S):
            await serving


@contextlib.asynccontextmanager
async def asking(port: int) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that has asked for the events, and has read the head of the answer."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4096)
    try:
        writer.write(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(DEADLINE_S):
            await reader.readuntil(b"retry: 1000\n\n\r\n")
        yield reader
    finally:
        writer.close()


def note(watch: Watch, number: int) -> None:
    watch.journal.note("error", RuntimeState.READY, RuntimeState.READY, {"message": f"{number} " + 1000 * "x"}, 1)


async def test_a_reader_that_takes_nothing_for_a_while() -> None:
    watch = Watch()
    async with served(watch) as port, asking(port) as reader:
        for number in range(30_000):  # 30 MB, of which the sockets and the stream together hold a few
            note(watch, number)
            if number % 50 == 0:
                await asyncio.sleep(0)
        text = b""
        async with asyncio.timeout(DEADLINE_S):
            while b'"29999 xxx' not in text[-4000:]:
                text += await reader.read(65536)
        assert b": skipped " in text
        # What was on its way when it stopped taking, and the newest 1024.
        assert text.count(b"data: ") < 12_000
    await poll(lambda: _gone(watch), DEADLINE_S)


async def _gone(watch: Watch) -> bool:
    return watch.journal.readers == 0


async def test_a_reader_that_hangs_up_is_forgotten() -> None:
    watch = Watch()
    async with served(watch) as port:
        async with asking(port):
            assert watch.journal.readers == 1
        await poll(lambda: _gone(watch), DEADLINE_S)


async def test_the_stream_ends_with_the_runtime() -> None:
    watch = Watch()
    async with served(watch) as port, asking(port) as reader:
        watch.close()
        async with asyncio.timeout(DEADLINE_S):
            assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
