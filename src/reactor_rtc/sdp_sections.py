"""The media sections of a session description: what each offers, which an answer refuses, and where candidates stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_RTPMAP: Final = re.compile(r"^a=rtpmap:\d{1,3} ([A-Za-z0-9.-]{1,32})/", re.ASCII)
_BUNDLE: Final = "a=group:BUNDLE "
_NO_MORE: Final = "a=end-of-candidates"
_NO_CODEC: Final = frozenset({"RTX", "RED", "ULPFEC", "FLEXFEC-03", "CN", "TELEPHONE-EVENT"})
"""What carries another codec's packets, or none of the picture and the sound."""


@dataclass(slots=True)
class DescribedSection:
    """A section as a description tells it: ``lines`` from its ``m=`` on, without line ends."""

    kind: str
    port: int
    mid: str = ""
    codecs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def sections(sdp: str) -> list[DescribedSection]:
    """The media sections of a description, in order; lines that make no sense are passed over."""
    found: list[DescribedSection] = []
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            kind, _, rest = line[2:].partition(" ")
            port = rest.split(" ", 1)[0].split("/", 1)[0]
            found.append(DescribedSection(kind, int(port) if port.isdecimal() and len(port) < 6 else 9))
        if not found or not line:
            continue
        section = found[-1]
        section.lines.append(line)
        if line.startswith("a=mid:"):
            section.mid = line[len("a=mid:") :].strip()
        elif (match := _RTPMAP.match(line)) and (codec := match.group(1).upper()) not in (*_NO_CODEC, *section.codecs):
            section.codecs.append(codec)
    return found


def without_common_codec(offer: str, answer: str) -> dict[str, DescribedSection]:
    """The offered media sections, by mid, that an answer refuses with port 0 (RFC 8829, 5.3.1): they have no codec in common."""
    refused = {section.mid for section in sections(answer) if section.port == 0}
    offered = {section.mid: section for section in sections(offer) if section.kind in ("audio", "video")}
    return {mid: section for mid, section in offered.items() if mid in refused and section.port != 0}


def with_candidates_in_each_section(sdp: str) -> str:
    """The description with the candidates of its bundle in every section of the bundle.

    One transport needs them once (RFC 8843, 7.1.3), but receivers that begin with a transport for each section, like aiortc, wait
    for candidates of each.
    """
    described = sections(sdp)
    head = sdp.split("\nm=", 1)[0].splitlines()
    bundle = next((line[len(_BUNDLE) :].split() for line in head if line.startswith(_BUNDLE)), [])
    members = [section for section in described if section.mid in bundle and section.port != 0]
    found = next((found for section in members if (found := _candidates(section))), [])
    for section in members:
        if found and not _candidates(section):
            last = section.lines[-1] == _NO_MORE
            section.lines[-1 if last else len(section.lines) : len(section.lines)] = [*found, *([_NO_MORE] if last else [])]
    return "\r\n".join([*head, *(line for section in described for line in section.lines)]) + "\r\n"


def with_message_size(sdp: str, most: int) -> str:
    """The description saying that its side takes data-channel messages of ``most`` bytes.

    The engine repeats the other side's limit, or says nothing, which means 64 KiB (RFC 8841, 6); it takes more than it says.
    """
    described = sections(sdp)
    head = sdp.split("\nm=", 1)[0].splitlines()
    for section in described:
        if section.kind == "application":
            section.lines = [line for line in section.lines if not line.startswith("a=max-message-size:")]
            section.lines.append(f"a=max-message-size:{most}")
    return "\r\n".join([*head, *(line for section in described for line in section.lines)]) + "\r\n"


def _candidates(section: DescribedSection) -> list[str]:
    return [line for line in section.lines if line.startswith("a=candidate:")]
