"""The process of the workers without a model: they report to the coordinator, and begin and end sessions when told to.

    python -m benchmarks.coordinator.crowd --ready FILE

``POST /workers`` {"worker_id", "secret", "coordinators"} adds one, ``DELETE /workers/{id}`` ends one.
"""

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from aiohttp import web

from benchmarks.coordinator.stage import raise_file_limit, write_whole
from reactor_testing.fake_worker import FakeFleet, FakeWorker

NOWHERE = "http://127.0.0.1:9"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", type=Path, required=True)
    raise_file_limit()
    asyncio.run(serve(parser.parse_args().ready))


async def serve(ready: Path) -> None:
    """Serves until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    workers: dict[str, FakeWorker] = {}
    async with FakeFleet([NOWHERE]) as fleet:

        async def add(request: web.Request) -> web.Response:
            body = await request.json()
            name = body["worker_id"]
            workers[name] = fleet.add(name, body["secret"], coordinators=body["coordinators"].split(","))
            return web.Response(status=201)

        async def end(request: web.Request) -> web.Response:
            worker = workers.pop(request.match_info["id"], None)
            if worker is not None:
                worker.die()
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/workers", add)
        app.router.add_delete("/workers/{id}", end)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        write_whole(ready, json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}))
        await ended.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await runner.cleanup()


if __name__ == "__main__":
    main()
