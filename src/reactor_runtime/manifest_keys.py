"""Keys of a manifest that nothing reads, and that look like one that is read: a slip of the pen must not pass in silence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Known: TypeAlias = "Mapping[str, Known | None]"
"""The keys of a section, each with those below it, or None where they are not looked at."""

_RECORDING: Final[Known] = {
    "enabled": None,
    "chunk_seconds": None,
    "clip_max_seconds": None,
    "skip_leading_black": None,
    "video_track": None,
    "audio_track": None,
    "video": dict.fromkeys(("codec", "preset", "crf", "target_width", "target_height")),
    "audio": dict.fromkeys(("codec", "bitrate_kbps")),
}
_ELSEWHERE: Final[Known] = {"step_results": None, "livekit": None, "weights_path": None, "moderation": None}
"""What the published system reads at one place or another."""
_MODEL: Final[Known] = dict.fromkeys(
    (
        "name",
        "version",
        "description",
        "display-name",
        "display_name",
        "gpu",
        "extra-args",
        "extra_args",
        "weights",
        "tags",
    )
)
_MEDIA: Final[Known] = dict.fromkeys(("codecs", "min_kbps", "start_kbps", "max_kbps", "track_max_kbps", "degradation"))

MANIFEST_KEYS: Final[Known] = {
    "model": _MODEL,
    "runtime": {"import": None, "config": None, "recording": _RECORDING, "media": _MEDIA, **_ELSEWHERE},
    "recording": _RECORDING,
    "playground": None,  # its reader refuses what it does not know
    "name": None,
    "config": None,
    **_ELSEWHERE,
    **dict.fromkeys(("apiVersion", "kind", "metadata", "spec", "build", "resources", "deploy", "env", "weights", "version")),
}

_ALIKE: Final = 0.75


def slips(body: Mapping[str, Any], known: Known = MANIFEST_KEYS, where: str = "") -> Iterator[tuple[str, str]]:
    """Pairs of a key that is not read and the one that was meant, with the sections that they are in."""
    for key, value in body.items():
        if key not in known:
            name = str(key)
            meant = difflib.get_close_matches(name, [each for each in known if each not in body], 1, _ALIKE)
            if meant:
                yield f"{where}{name}", f"{where}{meant[0]}"
        elif isinstance(value, Mapping) and (below := known[key]) is not None:
            yield from slips(value, below, f"{where}{key}.")
