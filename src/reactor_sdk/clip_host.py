"""What recordings need of a client: its conversation, its server and its token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_sdk.api import Api
from reactor_sdk.connection import Connection


class ConnectedHost:
    """The :class:`reactor_sdk.recordings.ClipHost` of a client. ``connection`` gives its connection, or raises."""

    def __init__(self, api: Api, connection: Callable[[str], Awaitable[Connection]]) -> None:
        self._api = api
        self._connection = connection

    @property
    def base_url(self) -> str:
        """Where the server is."""
        return self._api.address

    async def ask_for_clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        """Asks over the data channel."""
        what = "request_clip()" if isinstance(request, RequestClip) else "request_recording()"
        return await (await self._connection(what)).conversation.clip(request)

    async def token_for(self, url: str) -> str | None:
        """Only the server itself gets the token."""
        return await self._api.token_for(url)
