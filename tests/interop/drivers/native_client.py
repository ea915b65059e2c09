"""Drives the published Python client 1.13, whose core is native, through a session of a coordinator; one JSON line per step.

Runs in that client's virtual environment, and uses nothing but its documented API.

    INTEROP_API_KEY=rk_... python native_client.py http://127.0.0.1:PORT
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

# Looked up by name: this client's API is not that of the package which stands beside this file under the same name.
sdk: Any = import_module("reactor_sdk")

MODEL = "interop-echo"
STEP_SECONDS = 20.0
MEDIA_SECONDS = 3.0
COLOR = {"red": 30, "green": 160, "blue": 60}


class Visit:
    """One session, step by step; each step returns what it observed."""

    def __init__(self, address: str, api_key: str) -> None:
        self._address, self._api_key = address, api_key
        token = sdk.fetch_jwt(
            api_key, address, models=[MODEL], max_sessions=1, max_session_duration_seconds=300, expires_after=120
        )
        self.reactor = sdk.Reactor(MODEL, jwt=token, api_url=address)
        self.statuses: list[str] = []
        self.errors: list[str] = []
        self.capabilities: dict[str, Any] = {}
        self._ready = asyncio.Event()
        self._shown = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.reactor.on("status_changed", self._on_status)
        self.reactor.on("error", lambda error: self.errors.append(str(error)))
        self.reactor.on("capabilities_received", self.capabilities.update)

    def _on_status(self, status: str) -> None:
        self.statuses.append(str(status))
        if status == "ready":
            self._ready.set()

    def _statuses_since(self) -> list[str]:
        passed, self.statuses = self.statuses, []
        return passed

    async def connect(self) -> dict[str, Any]:
        began = time.perf_counter()
        await self.reactor.connect()
        ready_after = time.perf_counter() - began
        await self._ready.wait()
        tracks = [{"name": track.name, "kind": track.kind, "direction": track.direction} for track in self.reactor.tracks]
        return {
            "statuses": self._statuses_since(),
            "session_id": self.reactor.get_session_id(),
            "tracks": tracks,
            "protocol": self.capabilities.get("protocol_version"),
            "ready_after": ready_after,
        }

    async def wire(self) -> dict[str, Any]:
        """What needs the binary wire protocol: tracks that have to be resumed, and commands. Asks for both at once."""
        self.reactor.track("main_video").on_raw_frame(self._on_frame)
        command = asyncio.ensure_future(self.reactor.send_command("set_color", COLOR))
        shown = asyncio.ensure_future(self._shown.wait())
        await asyncio.wait({command, shown}, timeout=MEDIA_SECONDS)
        replied = command.result() if command.done() else None
        seen = {"frames_arrive": shown.done(), "command_answered": command.done(), "reply": replied}
        for task in (command, shown):
            task.cancel()
        await asyncio.wait({command, shown})
        return seen

    def _on_frame(self, *_media: object) -> None:
        # Called on the thread that delivers media.
        self._loop.call_soon_threadsafe(self._shown.set)

    async def upload(self) -> dict[str, Any]:
        reference = await self.reactor.upload_file(b"one file, two runtimes\n" * 500, name="note.txt")
        return {"name": reference.name, "mime_type": reference.mime_type, "size": reference.size}

    async def adopt(self) -> dict[str, Any]:
        """Another client joins the session with a key, for which this client mints a token that is bound to the session."""
        session_id = self.reactor.get_session_id()
        second = sdk.Reactor(MODEL, api_key=self._api_key, api_url=self._address)
        await second.connect(session_id=session_id)
        seen = {"status": second.get_status(), "same_session": second.get_session_id() == session_id}
        await second.disconnect()
        return seen

    async def bound_token(self) -> dict[str, Any]:
        """A token that is bound to a session, and allows no sessions of its own."""
        session_id = self.reactor.get_session_id()
        assert session_id is not None
        bound = sdk.Reactor(MODEL, jwt=sdk.fetch_jwt(self._api_key, self._address, sessions=[session_id]), api_url=self._address)
        try:
            await bound.connect()
        except sdk.ReactorError as error:
            return {"raised": type(error).__name__, "status": error.status, "text": str(error)}
        finally:
            await bound.disconnect()
        return {"raised": None}

    async def reconnect(self) -> dict[str, Any]:
        self._statuses_since()
        self._ready.clear()
        await self.reactor.reconnect()
        await self._ready.wait()
        return {"statuses": self._statuses_since(), "session_id": self.reactor.get_session_id()}

    async def disconnect(self) -> dict[str, Any]:
        await self.reactor.disconnect()
        return {"status": self.reactor.get_status(), "session_id": self.reactor.get_session_id(), "errors": self.errors}


async def take(step: str, visit: Visit) -> None:
    action: Callable[[], Awaitable[dict[str, Any]]] = getattr(visit, step)
    try:
        async with asyncio.timeout(STEP_SECONDS):
            observed = await action()
    except Exception as error:
        print(json.dumps({"step": step, "error": repr(error), "errors": visit.errors}), flush=True)
        raise
    print(json.dumps({"step": step, **observed}), flush=True)


async def main(address: str, api_key: str) -> None:
    visit = Visit(address, api_key)
    try:
        for step in ("connect", "wire", "upload", "adopt", "bound_token", "reconnect"):
            await take(step, visit)
    finally:
        await take("disconnect", visit)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], os.environ["INTEROP_API_KEY"]))
