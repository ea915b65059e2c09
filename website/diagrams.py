"""Lifecycles as pictures: SVG that takes its colours from the page, so that it reads in light and in dark."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import Any, Final

from reactor_protocol.lifecycles import Lifecycle
from website.lifecycle_charts import Chart, Place, Source

BOX_W, BOX_H = 132.0, 38.0
COLUMN, ROW = 270.0, 86.0
NOTE_H = 17.0  # of each line of a note
LINE_H = 15.0
GAP = 9.0  # between two arrows that go opposite ways
MARGIN = 14.0
LABEL_W = 7.3  # of a letter, at most
MANY: Final = 3


@dataclass(frozen=True)
class Arrow:
    """One arrow: several states that lead to the same one by the same events are one source."""

    source: Source
    target: Enum
    events: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """A state or a note: its centre, its size and the lines in it."""

    x: float
    y: float
    w: float
    h: float
    lines: tuple[str, ...]
    note: bool = False
    first: bool = False


def arrows(lifecycle: Lifecycle[Any, Any]) -> list[Arrow]:
    """The moves of a lifecycle as arrows, in the order of its table."""
    sources: dict[tuple[Enum, Enum], list[Enum]] = defaultdict(list)
    for (state, event), target in lifecycle.moves.items():
        sources[event, target].append(state)
    events: dict[tuple[Source, Enum], list[str]] = defaultdict(list)
    for (event, target), states in sources.items():
        apart: list[Source] = [state for state in states if state is not target]
        if len(apart) >= MANY:
            apart = [tuple(sorted(states, key=list(type(target)).index))]  # in the order in which they are declared
        apart += [target] if target in states else []
        for source in apart:
            events[source, target].append(_words(event))
    return [Arrow(source, target, tuple(names)) for (source, target), names in events.items()]


def picture(chart: Chart) -> str:
    """The picture of a lifecycle as one line of SVG. Raises KeyError for a state that has no place."""
    drawn = arrows(chart.lifecycle)
    used = [*{state for state, _ in chart.lifecycle.moves}, *(each.target for each in drawn), *(each.source for each in drawn)]
    boxes = {source: _box(source, chart.places[source], chart.lifecycle) for source in dict.fromkeys(used)}
    pairs = {(each.source, each.target) for each in drawn}
    lines, labels = zip(*(_arrow(each, boxes, (each.target, each.source) in pairs) for each in drawn), strict=True)
    # The words come last: where a line crosses them, it gives way.
    parts = [*lines, *labels, *(_drawn(box) for box in boxes.values())]
    return _svg(chart.title, _reach(boxes, drawn), parts)


def _words(item: Enum) -> str:
    return str(item.value).lower().replace("_", " ")


def _box(source: Source, place: Place, lifecycle: Lifecycle[Any, Any]) -> Box:
    x, y = place[0] * COLUMN, place[1] * ROW
    if isinstance(source, Enum):
        return Box(x, y, BOX_W, BOX_H, (str(source.value),), first=source is lifecycle.initial)
    lines = _wrapped([_words(state) for state in source])
    return Box(x, y, 168.0, NOTE_H * len(lines) + 12, lines, note=True)


def _wrapped(names: list[str]) -> tuple[str, ...]:
    lines, line = [], f"from {names[0]}"
    for position, name in enumerate(names[1:], 2):
        word = f" or {name}" if position == len(names) else f", {name}"
        if len(line) + len(word) > 24:
            lines.append(line + ("," if word.startswith(",") else ""))
            line = word.lstrip(", ")
        else:
            line += word
    return (*lines, line)


def _drawn(box: Box) -> str:
    kind = "note" if box.note else "first" if box.first else "state"
    left, top = box.x - box.w / 2, box.y - box.h / 2
    step = NOTE_H if box.note else LINE_H
    start = box.y - (len(box.lines) - 1) * step / 2
    words = "".join(_text(box.x, start + i * step, line, "middle") for i, line in enumerate(box.lines))
    return f'<g class="{kind}"><rect x="{left:g}" y="{top:g}" width="{box.w:g}" height="{box.h:g}" rx="9"/>{words}</g>'


def _text(x: float, y: float, line: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="central">{escape(line)}</text>'


def _arrow(arrow: Arrow, boxes: Mapping[Source, Box], opposed: bool) -> tuple[str, str]:
    """The line, and the words beside it."""
    if arrow.source == arrow.target:
        return _loop(boxes[arrow.source], arrow.events)
    start, end = boxes[arrow.source], boxes[arrow.target]
    length = math.hypot(end.x - start.x, end.y - start.y)
    along = ((end.x - start.x) / length, (end.y - start.y) / length)
    # To the right of the way that the arrow goes: two that go opposite ways stand apart.
    aside = (-along[1] * GAP, along[0] * GAP) if opposed else (0.0, 0.0)
    x1, y1 = _edge(start, along, aside)
    x2, y2 = _edge(end, (-along[0], -along[1]), aside)
    line = f'<path class="move" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" marker-end="url(#tip)"/>'
    part = 0.5 if opposed or 0.0 in along else 0.4  # a slanting arrow is told of near where it begins
    return line, _label((x1 + (x2 - x1) * part, y1 + (y2 - y1) * part), along, opposed, arrow.events)


def _edge(box: Box, along: Place, aside: Place) -> Place:
    """Where a line from the middle of a box, moved aside, leaves it."""
    across = (box.w / 2 - math.copysign(1, along[0]) * aside[0]) / abs(along[0]) if along[0] else math.inf
    down = (box.h / 2 - math.copysign(1, along[1]) * aside[1]) / abs(along[1]) if along[1] else math.inf
    reach = min(across, down)
    return box.x + aside[0] + along[0] * reach, box.y + aside[1] + along[1] * reach


def _label(middle: Place, along: Place, opposed: bool, events: tuple[str, ...]) -> str:
    """The events beside the middle of an arrow, on the side that is free."""
    x, y = middle
    steep = abs(along[1]) > 0.2
    left = opposed and along[1] > 0  # the right of the way down is the left of the page
    if steep:
        anchor, x = ("end", x - 8) if left else ("start", x + 8)
        slant = 0.0 if opposed or not along[0] else math.copysign(7, -along[0] * along[1])  # to the side where there is room
        start = y + slant - (len(events) - 1) * LINE_H / 2
    else:
        anchor = "middle"
        below = opposed and along[0] > 0
        start = y + 11 if below else y - 11 - (len(events) - 1) * LINE_H
    return '<g class="event">' + "".join(_text(x, start + i * LINE_H, name, anchor) for i, name in enumerate(events)) + "</g>"


def _loop(box: Box, events: tuple[str, ...]) -> tuple[str, str]:
    """An arrow from a state to itself, on its left."""
    x, y = box.x - box.w / 2, box.y
    way = f"M{x:g} {y - 9:g}C{x - 44:g} {y - 26:g} {x - 44:g} {y + 26:g} {x - 2:g} {y + 9:g}"
    line = f'<path class="move" d="{way}" marker-end="url(#tip)"/>'
    start = y - (len(events) - 1) * LINE_H / 2
    words = "".join(_text(x - 40, start + i * LINE_H, name, "end") for i, name in enumerate(events))
    return line, f'<g class="event">{words}</g>'


def _reach(boxes: Mapping[Source, Box], drawn: list[Arrow]) -> tuple[float, float, float, float]:
    """What the picture takes up: left, top, width, height."""
    left = min(box.x - box.w / 2 for box in boxes.values())
    right = max(box.x + box.w / 2 for box in boxes.values())
    top = min(box.y - box.h / 2 for box in boxes.values())
    bottom = max(box.y + box.h / 2 for box in boxes.values())
    for arrow in drawn:
        widest = LABEL_W * max(len(name) for name in arrow.events)
        box = boxes[arrow.source]
        if arrow.source == arrow.target:
            left = min(left, box.x - box.w / 2 - 40 - widest)
        elif boxes[arrow.target].x == box.x:
            left = min(left, box.x - widest - GAP - 8)
            right = max(right, box.x + widest + GAP + 8)
    return left - MARGIN, top - MARGIN, right - left + 2 * MARGIN, bottom - top + 2 * MARGIN


def _svg(title: str, reach: tuple[float, float, float, float], parts: list[str]) -> str:
    left, top, width, height = reach
    tip = '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    tip += '<path d="M0 0L8 4L0 8z"/></marker></defs>'
    view = f'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    head = f'<svg class="lifecycle" {view} role="img" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{tip}'
    return f"{head}{''.join(parts)}</svg>"
