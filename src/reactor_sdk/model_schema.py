"""The schema document of the model that a client is connected to, asked for over the connection itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from reactor_protocol.errors import RequestTimeoutError
from reactor_protocol.messages import JsonObject
from reactor_sdk.types import MessageScope

if TYPE_CHECKING:
    from reactor_sdk.reactor import Reactor

SCHEMA_LIMIT_S: Final = 20.0


async def ask_schema(reactor: Reactor, limit_s: float = SCHEMA_LIMIT_S) -> JsonObject:
    """The schema document (reference: runtime, section 7), whether the model is local or a coordinator's.

    Raises :class:`RequestTimeoutError` where it does not come within ``limit_s`` seconds, and as ``send_command``.
    """
    answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def hear(message: dict[str, Any]) -> None:
        if message["type"] == "modelSchema" and not answer.done():
            answer.set_result(message["data"])

    reactor.on("runtime_message", hear)
    try:
        await reactor.send_command("requestSchema", {}, MessageScope.RUNTIME)
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError as error:
        raise RequestTimeoutError(f"the model's schema did not come within {limit_s:g} s") from error
    finally:
        reactor.off("runtime_message", hear)
