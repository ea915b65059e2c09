"""Names, versions and limits that both ends agree on (reference: runtime, sections 3 to 6 and 14)."""

from __future__ import annotations

from typing import Final

API_VERSION: Final = "1"
WEBRTC_VERSION: Final = "1.0"
WIRE_VERSION: Final = "v0"
TRANSPORT: Final = "webrtc"

HEADER_API_VERSION: Final = "Reactor-API-Version"
HEADER_API_ACCEPT_VERSION: Final = "Reactor-API-Accept-Version"
HEADER_WEBRTC_VERSION: Final = "Reactor-WebRTC-Version"
HEADER_API_KEY: Final = "Reactor-API-Key"

CHANNEL_CONTROL: Final = "control"
CHANNEL_DATA: Final = "data"

EXTENSION_ACKS: Final = "acks"
"""Extension of v0: a command may carry a ``request_id``, and is then answered by a ``commandResult``."""
EXTENSION_VIEW_ONLY: Final = "view_only"
"""An offer may say ``"view_only": true``: who made it watches, and sends neither commands nor tracks."""
EXTENSION_FRAME_NUMBERS: Final = "frame_numbers"
"""A trailer's ``frame_id`` is the frame's number in the session plus one: the ``frame`` of a ``commandResult`` finds it.

2: a client whose offer did not declare trailers may ask for a track's later, by ``"tagged": true`` in its ``resume_track``."""
FRAME_NUMBERS_ON_DEMAND: Final = 2

NIL_SESSION_ID: Final = "00000000-0000-0000-0000-000000000000"
"""The fixed session id of the published runtime, which ours takes as an alias of the running session."""

LEGACY_CONNECTION_ID: Final = 1001
"""The one connection of clients from before there were several (reference: client and REST, 1.15)."""
FIRST_CONNECTION_ID: Final = 1002
LAST_CONNECTION_ID: Final = 9999

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""Limit of one data-channel message, in bytes of UTF-8 (reference: runtime, 5.5)."""
MAX_NESTING: Final = 128
"""How deep the lists and objects of a JSON message may stand in one another."""

CHUNK_BYTES: Final = 65_536
"""Limit of one fragment of a chunked message, its flag byte included (reference: runtime, 5.5)."""
MAX_CHUNKED_BYTES: Final = 1024 * 1024
"""Limit of one message of a connection that has agreed on chunking: what both channels of 64 clients may hold stays small."""

MAX_STEPPED_BYTES: Final = 64 * 1024 * 1024
"""The same in a stepped session, where requests and results carry whole pictures (reference: runtime, 5.5)."""

PING_INTERVAL_S: Final = 5.0
PING_TIMEOUT_S: Final = 20.0
CONTROL_TIMEOUT_S: Final = 10.0
COMMAND_TIMEOUT_S: Final = 30.0
UPLOAD_WAIT_S: Final = 10.0

MAX_REASON_CHARS: Final = 64
"""Limit of the reason that ends a session."""

EVENT_STREAM: Final = "text/event-stream"
"""Accepted by ``GET /sessions/{id}`` of a coordinator: the session as it is now, and again after every change."""

NOTICE_EXPIRATION: Final = "sessionExpiration"
"""Runtime message ``{expires_at, remaining_s}``: when the session will end, told ahead of it."""

NOTICE_ERROR: Final = "error"
"""Runtime message ``{code, message, recoverable, component}``: something has gone wrong, and the connection stays."""

NOTICE_MODEL_RESTARTED: Final = "modelRestarted"
"""Runtime message ``{load_seconds}``: the model was loaded anew, and the session goes on with the state that clients had set."""

NOTICE_INTERRUPTED: Final = "sessionInterrupted"
"""Runtime message ``{reason}``: the worker goes, and the session may go on at another one."""

NOTICE_RATE_LIMITED: Final = "rateLimited"
"""Runtime message ``{reason, waiting, refused}``: this client sends more than it may; its messages wait, or are refused."""

ENV_WORKER_ID: Final = "REACTOR_WORKER_ID"
ENV_WORKER_SECRET: Final = "REACTOR_WORKER_SECRET"
ENV_WORKER_COORDINATORS: Final = "REACTOR_WORKER_COORDINATORS"
ENV_WORKER_PATIENCE: Final = "REACTOR_WORKER_PATIENCE_SECONDS"
WORKER_PATIENCE_S: Final = 60.0
"""For how long a worker without a session goes on when no coordinator answers it."""
