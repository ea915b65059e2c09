"""The few changes to session descriptions that the engine has no call for."""

from __future__ import annotations

import re

_RTPMAP = re.compile(r"^a=rtpmap:(\d+) (VP8|VP9|H264|H265|AV1)/90000$", re.IGNORECASE)
_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000", re.IGNORECASE)


def looks_like_sdp(sdp: str) -> bool:
    """Whether a text begins as RFC 8866 says a description does."""
    return sdp.startswith("v=0")


def with_video_bitrate(sdp: str, start: int, maximum: int, minimum: int = 0) -> str:
    """The description with the rates (bit/s) at which its receiver's video begins and ends, and below which it does not fall.

    The engine takes ``x-google-*`` (kbit/s) from the fmtp of the remote description; without them it begins at 300 kbit/s and
    shows a postage stamp for the first seconds.
    """
    extra = f"x-google-start-bitrate={start // 1000};x-google-max-bitrate={maximum // 1000}"
    if minimum > 0:
        extra = f"x-google-min-bitrate={minimum // 1000};{extra}"
    return _with_fmtp(sdp, _RTPMAP, extra)


def with_stereo(sdp: str) -> str:
    """The description with stereo Opus asked for; the engine decodes to mono without it (RFC 7587, 6.1)."""
    return _with_fmtp(sdp, _OPUS, "stereo=1")


def _with_fmtp(sdp: str, rtpmap: re.Pattern[str], extra: str) -> str:
    lines = sdp.replace("\r\n", "\n").strip("\n").split("\n")
    wanted = {match.group(1) for line in lines if (match := rtpmap.match(line))}
    present = {payload for line in lines if (payload := _fmtp_of(line)) is not None}
    changed: list[str] = []
    for line in lines:
        if _fmtp_of(line) in wanted and extra not in line:
            line = f"{line};{extra}"
        changed.append(line)
        match = rtpmap.match(line)
        if match and match.group(1) not in present:
            changed.append(f"a=fmtp:{match.group(1)} {extra}")
    return "\r\n".join(changed) + "\r\n"


def _fmtp_of(line: str) -> str | None:
    """The payload type whose parameters a line gives."""
    return line[len("a=fmtp:") :].split(" ", 1)[0] if line.startswith("a=fmtp:") else None
