"""Servers for the tests of the command: applications over TCP, and a runtime whose UDP goes nowhere."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import uvicorn
from aiohttp import web

from reactor_http.listen import Server, address, bind

_CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)


@contextlib.asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """An ASGI application at a free port of this machine; its URL."""
    listener = bind("127.0.0.1", 0)
    server = Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield address(listener)
    finally:
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[str]:
    """A server of aiohttp that answers every request with ``handler``; its URL."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Sink(asyncio.DatagramProtocol):
    """Takes datagrams and never answers."""

    def __init__(self) -> None:
        self.taken = 0

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.taken += 1


@contextlib.asynccontextmanager
async def without_udp(url: str) -> AsyncIterator[tuple[str, Sink]]:
    """The runtime at ``url`` as it is seen where a firewall drops UDP both ways: HTTP passes, and datagrams come to nobody.

    The client is told a port that swallows what is sent there, and the runtime is told no address of the client's.
    """
    loop = asyncio.get_running_loop()
    transport, sink = await loop.create_datagram_endpoint(Sink, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    line = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"
    try:
        async with aiohttp.ClientSession() as http:

            async def handle(request: web.Request) -> web.Response:
                if request.path.endswith("/ice_candidates"):
                    return web.Response(status=202)
                body = await request.read()
                if request.path.endswith("/sdp_params") and body:
                    offer = json.loads(body)
                    body = json.dumps(offer | {"sdp_offer": _CANDIDATE.sub("", offer["sdp_offer"])}).encode()
                headers = {"Content-Type": request.content_type} if body else {}
                async with http.request(request.method, url + request.path, data=body, headers=headers) as reply:
                    text = await reply.text()
                    if "sdp_answer" in text:
                        answer = json.loads(text)
                        bare = _CANDIDATE.sub("", answer["sdp_answer"])
                        text = json.dumps(answer | {"sdp_answer": bare.replace("a=ice-ufrag", line + "a=ice-ufrag", 1)})
                    return web.Response(status=reply.status, text=text, content_type=reply.content_type)

            async with answering(handle) as front:
                yield front, sink
    finally:
        transport.close()
