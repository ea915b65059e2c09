"""The WebRTC engine in this process: its settings, made once before its first connection, and the one way into it."""

from __future__ import annotations

import logging

import webrtc

from reactor_rtc.process import enter_process

logger = logging.getLogger(__name__)

_FIELD_TRIALS = {
    # The receiver shows a frame when it is complete; there is no playout delay to smooth what we pace already.
    "WebRTC-ForceSendPlayoutDelay": "min_ms:0,max_ms:0",
    # A frame leaves within 40 ms however large it is. The engine's own two seconds let a keyframe, or a rich picture at the limit
    # of the bitrate, arrive a whole frame late, and the first picture of a connection half a second late.
    "WebRTC-Video-Pacing": "factor:5.0,max_delay:40ms",
}


class _Engine:
    """Whether the settings have been made; the engine refuses to change them later."""

    def __init__(self) -> None:
        self.configured = False


_engine = _Engine()


def enter_engine() -> None:
    """Everything that uses the engine calls this first: what has to hold before that is seen to here.

    Makes the settings, the first time. Loopback candidates are always gathered: a model and its client often share a machine,
    which may have no network at all.
    Raises :class:`InvalidStateError` in a fork of a process that has called it.
    """
    enter_process()
    if _engine.configured:
        return
    _engine.configured = True
    try:
        webrtc.field_trials.update({name: group for name, group in _FIELD_TRIALS.items() if name not in webrtc.field_trials})
        webrtc.allow_loopback()
    except webrtc.InvalidStateError:
        logger.warning("the WebRTC engine was started by somebody else: latency settings could not be made")


def video_codecs() -> tuple[str, ...]:
    """The codecs in which this build of the engine sends and receives pictures, like ``VP8``."""
    enter_engine()
    sends, receives = (each.get_capabilities("video") for each in (webrtc.RTCRtpSender, webrtc.RTCRtpReceiver))
    names = [codec.mime_type.removeprefix("video/").upper() for codec in sends.codecs] if sends is not None else []
    received = {codec.mime_type.removeprefix("video/").upper() for codec in receives.codecs} if receives is not None else set()
    return tuple(name for name in dict.fromkeys(names) if name in received and name not in ("RTX", "RED", "ULPFEC"))
