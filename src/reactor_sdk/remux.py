"""From the parts of a clip to one file that any player takes: flat MP4, with its index in front. Nothing is encoded anew."""

from __future__ import annotations

import io
import logging
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

logger = logging.getLogger(__name__)

_MAX_LEAD_S: Final = 60.0
"""By how much a part may begin before the clip; where it is more, markers and media do not count from the same moment."""


def flat_mp4(fragmented: bytes, start: float, end: float) -> bytes:
    """The same media as a flat MP4 that shows what is from ``start`` to ``end``, in seconds of the media's own time.

    What has to be decoded before ``start`` is kept, and skipped by an edit list. Where the times do not fit the media, all of
    it is shown. What cannot be rewritten is returned as it is: it is playable, too.
    """
    try:
        with av.open(io.BytesIO(fragmented), "r") as source:
            return _rewritten(source, start, end)
    except (av.FFmpegError, OSError, ValueError) as error:
        logger.warning("the clip stays fragmented: %s", error)
        return fragmented


def _rewritten(source: InputContainer, start: float, end: float) -> bytes:
    packets = [packet for packet in source.demux() if packet.dts is not None and packet.pts is not None]
    if not packets:
        raise ValueError("it holds no media")
    first = min(_time(packet.dts, packet) for packet in packets)
    origin, limit = Fraction(start).limit_denominator(1000), Fraction(end).limit_denominator(1000)
    if not 0 <= origin - first <= _MAX_LEAD_S:
        origin, limit = first, max(_time(packet.pts, packet) for packet in packets) + 1
    options = {"movflags": "faststart", "use_editlist": "1", "avoid_negative_ts": "disabled"}
    # A file of its own: the index goes to the front by reading again what was written.
    with tempfile.TemporaryDirectory(prefix="reactor-clip-") as folder:
        target = Path(folder) / "clip.mp4"
        with av.open(str(target), "w", format="mp4", options=options) as sink:
            streams = _streams(source, sink)
            for packet in packets:
                if _time(packet.pts, packet) < limit:
                    _move(packet, streams[packet.stream.index], origin)
                    sink.mux_one(packet)
        return target.read_bytes()


def _streams(source: InputContainer, sink: OutputContainer) -> dict[int, Stream]:
    return {each.index: sink.add_stream_from_template(each, opaque=True) for each in source.streams}


def _time(stamp: int | None, packet: Packet[Any]) -> Fraction:
    return (stamp or 0) * packet.time_base


def _move(packet: Packet[Any], stream: Stream, origin: Fraction) -> None:
    shift = round(origin / packet.time_base)
    assert packet.pts is not None
    assert packet.dts is not None
    packet.pts -= shift
    packet.dts -= shift
    packet.stream = stream
