"""ICE servers for one client or worker, with TURN credentials that expire (the shared-secret scheme, ``use-auth-secret``)."""

from __future__ import annotations

import base64
import hashlib
import hmac

from reactor_coordinator.config import IceSpec
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import IceCredentials, IceServer, IceServers


def credentials(secret: str, user: str, ttl_s: float, now: float) -> tuple[str, str]:
    """User name and password that a TURN server with this ``secret`` takes until ``now`` (epoch seconds) + ``ttl_s``.

    ``user`` is who they are for, as the server logs and counts them; a colon in it would be the end of the expiry to the server.
    Raises :class:`InvalidArgumentError` for one.
    """
    if ":" in user:
        raise InvalidArgumentError(f"a TURN user cannot have a colon in its name: {user!r}")
    username = f"{int(now + ttl_s)}:{user}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode("ascii")


def ice_servers(spec: IceSpec, user: str, now: float) -> IceServers:
    """The servers of a configuration: STUN without, TURN with credentials of ``user`` that are good from ``now`` on."""
    servers = [IceServer(uris=list(spec.stun))] if spec.stun else []
    if spec.turn is not None:
        username, password = credentials(spec.turn.secret, user, spec.turn.ttl_seconds, now)
        servers.append(IceServer(uris=list(spec.turn.urls), credentials=IceCredentials(username=username, password=password)))
    return IceServers(ice_servers=servers)
