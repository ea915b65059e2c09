"""How pictures are sent, as the manifest and the environment say: codecs, rates, and what gives way on a narrow path. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.port import Degradation, PeerConfig

CODECS: Final = ("VP8", "VP9", "AV1")
ELSEWHERE: Final = ("H264", "H265")
"""Codecs that the published runtime takes the names of, and that some builds of the engine have."""
DEGRADATIONS: Final = ("maintain-resolution", "maintain-framerate", "balanced")
MAX_KBPS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Quality:
    """What is said; None, or no codecs, is nothing. Rates are in kbit/s.

    ``min_kbps``, ``start_kbps`` and ``max_kbps`` bound the estimate of what a client's path carries; ``sender_max_kbps`` is what
    one video track is given at most.
    """

    codecs: tuple[str, ...] = ()
    min_kbps: float | None = None
    start_kbps: float | None = None
    max_kbps: float | None = None
    sender_max_kbps: float | None = None
    degradation: Degradation | None = None

    def applied(self, peer: PeerConfig) -> PeerConfig:
        """``peer`` with what is said here. Raises :class:`InvalidArgumentError` where the rates are not in order."""
        low = _bits(self.min_kbps, peer.path_min_bitrate)
        high = _bits(self.max_kbps, max(low, peer.path_max_bitrate))
        start = _bits(self.start_kbps, min(max(low, peer.start_bitrate), high))
        if not low <= start <= high:
            rates = f"{low // 1000}, {start // 1000} and {high // 1000}"
            raise InvalidArgumentError(f"the least, the first and the greatest rate must grow in this order, not {rates} kbit/s")
        return replace(
            peer,
            video_codecs=self.codecs or peer.video_codecs,
            path_min_bitrate=low,
            start_bitrate=start,
            path_max_bitrate=high,
            max_bitrate=_bits(self.sender_max_kbps or None, peer.max_bitrate),
            degradation=self.degradation or peer.degradation,
        )


def quality_of_manifest(section: Mapping[str, Any]) -> Quality:
    """What ``runtime.media`` of a manifest says: codecs, min_kbps, start_kbps, max_kbps, track_max_kbps, degradation.

    Raises :class:`InvalidArgumentError` naming the key.
    """
    codecs = section.get("codecs") or []
    if not isinstance(codecs, list):
        raise InvalidArgumentError(f"media.codecs must be a list of {', '.join(CODECS)}, not {codecs!r}")
    return Quality(
        codecs=_codecs("media.codecs", [str(codec) for codec in codecs]),
        min_kbps=_rate("media.min_kbps", section.get("min_kbps")),
        start_kbps=_rate("media.start_kbps", section.get("start_kbps")),
        max_kbps=_rate("media.max_kbps", section.get("max_kbps")),
        sender_max_kbps=_rate("media.track_max_kbps", section.get("track_max_kbps")),
        degradation=_degradation("media.degradation", section.get("degradation")),
    )


def quality_of_environment(env: Mapping[str, str]) -> Quality:
    """What the variables ``WEBRTC_*`` say (reference: runtime, 2.3). Raises :class:`InvalidArgumentError` naming the variable."""

    def rate(name: str) -> float | None:
        return _rate(name, env.get(name, "").strip() or None)

    floors = [floor for name in ("WEBRTC_BWE_MIN_KBPS", "WEBRTC_SENDER_MIN_KBPS") if (floor := rate(name)) is not None]
    return Quality(
        codecs=_codecs("WEBRTC_VIDEO_CODECS", env.get("WEBRTC_VIDEO_CODECS", "").split(",")),
        min_kbps=max(floors, default=None),
        start_kbps=rate("WEBRTC_BWE_INITIAL_KBPS"),
        max_kbps=rate("WEBRTC_BWE_MAX_KBPS"),
        sender_max_kbps=rate("WEBRTC_SENDER_MAX_KBPS"),
        degradation=_degradation("WEBRTC_DEGRADATION_PREFERENCE", env.get("WEBRTC_DEGRADATION_PREFERENCE", "").strip() or None),
    )


def over(first: Quality, second: Quality) -> Quality:
    """What the first one says, and what the second says where that says nothing."""
    return Quality(
        first.codecs or second.codecs,
        *(
            mine if (mine := getattr(first, name)) is not None else getattr(second, name)
            for name in ("min_kbps", "start_kbps", "max_kbps", "sender_max_kbps", "degradation")
        ),
    )


def with_codecs_of(peer: PeerConfig, engine: Sequence[str]) -> tuple[PeerConfig, tuple[str, ...]]:
    """``peer`` with those of its codecs that the engine has, and the ones that it has not.

    Raises :class:`InvalidArgumentError` where it has none of them.
    """
    missing = tuple(codec for codec in peer.video_codecs if codec not in engine)
    has = tuple(codec for codec in peer.video_codecs if codec in engine)
    if not has:
        raise InvalidArgumentError(
            f"no codec of {', '.join(missing)} (WEBRTC_VIDEO_CODECS, or runtime.media.codecs) is in this WebRTC engine, "
            f"which has {', '.join(engine)}: name one of these, or leave the setting out"
        )
    return replace(peer, video_codecs=has), missing


def _bits(kbps: float | None, default: int) -> int:
    return default if kbps is None else round(kbps * 1000)


def _codecs(name: str, given: list[str]) -> tuple[str, ...]:
    codecs = tuple(dict.fromkeys(codec.strip().upper() for codec in given if codec.strip()))
    unknown = sorted(set(codecs) - {*CODECS, *ELSEWHERE})
    if unknown:
        raise InvalidArgumentError(f"{name}: {', '.join(unknown)[:80]} is not one of {', '.join(CODECS)}")
    return codecs


def _rate(name: str, given: object) -> float | None:
    """A rate in kbit/s. Below 0 is the same as 0: no limit of ours."""
    if given is None:
        return None
    try:
        rate = math.nan if isinstance(given, bool) else float(cast(Any, given))
    except (TypeError, ValueError):
        rate = math.nan
    if not math.isfinite(rate):
        raise InvalidArgumentError(f"{name} must be a number, not {str(given)[:40]!r}")
    if rate > MAX_KBPS:
        raise InvalidArgumentError(f"{name} must be at most {MAX_KBPS} kbit/s, not {rate:g}")
    return max(0.0, rate)


def _degradation(name: str, given: object) -> Degradation | None:
    if given is None:
        return None
    if given not in DEGRADATIONS:
        raise InvalidArgumentError(
            f"{name} must be {', '.join(DEGRADATIONS[:-1])} or {DEGRADATIONS[-1]}, not {str(given)[:40]!r}"
        )
    return given
