"""Clips: which worker has the recording of a session, and addresses for its parts that are valid for a while.

Players fetch the parts of a playlist without a token: each address says for itself that it may be fetched.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from reactor_coordinator.tokens import Signer, same_secret
from reactor_protocol.errors import ApiError, PermissionDeniedError

ADDRESS_LIFE_S: Final = 3600
_REMEMBERED: Final = 10_000
_PATH = re.compile(r"/clips/chunks/([0-9a-f-]{36})/([A-Za-z0-9_]{1,48}\.(?:mp4|m4s))", re.ASCII)


class ClipGoneError(ApiError):
    """410: the session is over, and the worker that has its recording is not known any more."""

    code = "CLIP_GONE"
    status = 410


@dataclass(frozen=True, slots=True)
class Grant:
    """What an address of a part carries: where the recording is, until when it is valid (epoch seconds), and the proof."""

    worker: str
    expires: int
    signature: str


class Clips:
    """Signs addresses, and remembers who had which session: a recording outlives its session for some minutes."""

    def __init__(self, signer: Signer, clock: Callable[[], float]) -> None:
        self._signer = signer
        self._clock = clock
        self._holders: OrderedDict[str, str] = OrderedDict()

    def held(self, session_id: str, worker_id: str) -> None:
        """The worker has that session."""
        self._holders[session_id] = worker_id
        self._holders.move_to_end(session_id)
        while len(self._holders) > _REMEMBERED:
            self._holders.popitem(last=False)

    def holder(self, session_id: str) -> str:
        """The worker that had a session last. Raises :class:`ClipGoneError` where this coordinator does not know it."""
        worker_id = self._holders.get(session_id)
        if worker_id is None:
            raise ClipGoneError("the session is over, and its recording is kept no longer")
        return worker_id

    def signed(self, playlist: bytes, session_id: str, worker_id: str, base_url: str) -> str:
        """A worker's playlist with whole, signed addresses; lines that name anything else are left out."""
        expires = int(self._clock()) + ADDRESS_LIFE_S
        proof = self._signer.clip_signature(session_id, worker_id, expires)
        query = urlencode({"worker": worker_id, "expires": expires, "signature": proof})

        def address(found: re.Match[str]) -> str:
            return f"{base_url}/clips/chunks/{session_id}/{quote(found.group(2))}?{query}"

        lines = []
        for line in playlist.decode("utf-8", "replace").splitlines():
            named = list(_PATH.finditer(line))
            if any(each.group(1) != session_id for each in named) or not (named or line.startswith("#") or not line):
                continue
            lines.append(_PATH.sub(address, line))
        return "\n".join([*lines, ""])

    def check(self, session_id: str, grant: Grant) -> None:
        """Raises :class:`PermissionDeniedError` for an address that is forged or too old."""
        expected = self._signer.clip_signature(session_id, grant.worker, grant.expires)
        if not same_secret(grant.signature, expected):
            raise PermissionDeniedError("the address of this part of a clip is not valid: fetch the playlist again")
        if self._clock() >= grant.expires:
            raise PermissionDeniedError("the address of this part of a clip has expired: fetch the playlist again")
