"""Every address with a session's id in it. A test holds this list to the OpenAPI document."""

from typing import Any

OFFER: dict[str, Any] = {"sdp_offer": "v=0\r\n", "track_mapping": []}
UPLOAD: dict[str, Any] = {"name": "a.png", "size": 3, "mime_type": "image/png"}
WEBRTC = "/sessions/{session_id}/transport/webrtc"
CONNECTION = WEBRTC + "/connections/{connection_id}"

OF_A_SESSION: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/sessions/{session_id}", None),
    ("PUT", "/sessions/{session_id}", None),
    ("DELETE", "/sessions/{session_id}", None),
    ("GET", "/sessions/{session_id}/events", None),
    ("GET", "/sessions/{session_id}/info", None),
    ("GET", "/sessions/{session_id}/runtime", None),
    ("GET", "/sessions/{session_id}/schema", None),
    ("POST", "/sessions/{session_id}/uploads", UPLOAD),
    ("GET", f"{WEBRTC}/ice_servers", None),
    ("POST", f"{WEBRTC}/connections", None),
    ("POST", f"{CONNECTION}/sdp_params", OFFER),
    ("PUT", f"{CONNECTION}/sdp_params", OFFER),
    ("GET", f"{CONNECTION}/sdp_params", None),
    ("POST", f"{CONNECTION}/ice_candidates", {"candidates": [], "is_final": True}),
    ("POST", f"{WEBRTC}/sdp_params", OFFER),
    ("PUT", f"{WEBRTC}/sdp_params", OFFER),
    ("GET", f"{WEBRTC}/sdp_params", None),
    ("GET", "/clips?session_id={session_id}&start=0&end=1", None),
]
WITHOUT_A_SESSION: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/sessions", None),
    ("POST", "/sessions", {"model": {"name": "echo"}}),
    ("GET", "/models", None),
]
OF_THE_HOUSE: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/admin/state", None),
    ("GET", "/admin/ends", None),
    ("GET", "/admin/keys", None),
    ("POST", "/admin/sessions/{session_id}/end", {"reason": "enough"}),
    ("POST", "/admin/workers/{worker_id}/drain", None),
]
"""For admins alone."""
WITHOUT_A_TOKEN = {
    ("POST", "/tokens"),
    ("GET", "/tokens"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("PUT", "/uploads/{upload_id}"),
    ("GET", "/uploads/{upload_id}"),
    ("GET", "/clips/chunks/{session_id}/{name}"),
    ("POST", "/workers/{worker_id}/report"),
}


def filled(address: str, session_id: str) -> str:
    """An address with its parameters."""
    return address.format(session_id=session_id, connection_id=1002, worker_id="w-1")
