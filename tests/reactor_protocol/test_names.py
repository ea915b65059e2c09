"""Names and numbers that the other side relies on, in literals (reference: runtime, 3 to 6 and 14)."""

from __future__ import annotations

import pytest

from reactor_protocol import names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_VERSION", "1"),
        ("WEBRTC_VERSION", "1.0"),
        ("WIRE_VERSION", "v0"),
        ("TRANSPORT", "webrtc"),
        ("HEADER_API_VERSION", "Reactor-API-Version"),
        ("HEADER_API_ACCEPT_VERSION", "Reactor-API-Accept-Version"),
        ("HEADER_WEBRTC_VERSION", "Reactor-WebRTC-Version"),
        ("HEADER_API_KEY", "Reactor-API-Key"),
        ("CHANNEL_CONTROL", "control"),
        ("CHANNEL_DATA", "data"),
        ("EXTENSION_ACKS", "acks"),
        ("EXTENSION_FRAME_NUMBERS", "frame_numbers"),
        ("NIL_SESSION_ID", "00000000-0000-0000-0000-000000000000"),
        ("LEGACY_CONNECTION_ID", 1001),
        ("FIRST_CONNECTION_ID", 1002),
        ("LAST_CONNECTION_ID", 9999),
        ("MAX_MESSAGE_BYTES", 262144),
        ("PING_INTERVAL_S", 5.0),
        ("PING_TIMEOUT_S", 20.0),
        ("CONTROL_TIMEOUT_S", 10.0),
        ("UPLOAD_WAIT_S", 10.0),
        ("MAX_REASON_CHARS", 64),
    ],
)
def test_value(name: str, value: object) -> None:
    assert getattr(names, name) == value
