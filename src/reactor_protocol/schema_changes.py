"""What has changed between two schema documents of a model, and what of it breaks clients of the older one. Pure.

The documents are those of the reference (runtime, section 7). They are a stranger's: whatever is not as expected there counts as
absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reactor_protocol.messages import JsonObject

_LOWER: Final = {"minimum": "lower limit", "minLength": "least length"}
_UPPER: Final = {"maximum": "upper limit", "maxLength": "greatest length"}
_IGNORED: Final = frozenset({"description", "default", "title", "enum", "x-reactor-moderate", *_LOWER, *_UPPER})


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``where`` names what has changed, such as ``command set_prompt, parameter prompt``; ``what`` says how."""

    where: str
    what: str
    breaking: bool


def changes(old: JsonObject, new: JsonObject) -> list[Change]:
    """All changes that matter to a client, in the order of the older document; a text that was rewritten is none.

    Breaking is what a program that was written for the older document may trip over: a command, parameter, message, field or
    track that it uses is gone or of another type, a value that it may send is refused, something that it does not send has to be
    given.
    """
    return [*_commands(old, new), *_messages(old, new), *_tracks(old, new)]


def commands_of(document: JsonObject) -> dict[str, JsonObject]:
    """The operations of a document's commands, by name."""
    paths = mapping_of(document.get("paths"))
    return {path.removeprefix("/events/"): mapping_of(mapping_of(item).get("post")) for path, item in paths.items()}


def parameters_of(operation: JsonObject) -> tuple[dict[str, JsonObject], frozenset[str]]:
    """The parameters of a command, by name, and which of them are required."""
    return properties_of(body_of(mapping_of(operation.get("requestBody"))))


def reply_of(operation: JsonObject) -> str | None:
    """The name of a command's reply among the components, or None."""
    answered = mapping_of(mapping_of(operation.get("responses")).get("200"))
    return reference_of(body_of(answered)) if answered else None


def messages_of(document: JsonObject) -> dict[str, JsonObject]:
    """The shapes of a document's messages, by name."""
    found = {}
    for name, item in mapping_of(document.get("webhooks")).items():
        body = body_of(mapping_of(mapping_of(mapping_of(item).get("post")).get("requestBody")))
        found[name] = resolved(document, body)
    return found


def tracks_of(document: JsonObject) -> dict[str, JsonObject]:
    """A document's tracks, by name; ``direction`` is the model's point of view."""
    tracks = mapping_of(document.get("x-reactor")).get("tracks")
    entries = [each for each in tracks if isinstance(each, dict)] if isinstance(tracks, list) else []
    return {str(each.get("name")): each for each in entries}


def reference_of(shape: JsonObject) -> str | None:
    """The name of the component that a shape refers to."""
    reference = shape.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else None


def resolved(document: JsonObject, shape: JsonObject) -> JsonObject:
    """A shape, or the component that it refers to."""
    name = reference_of(shape)
    if name is None:
        return shape
    return mapping_of(mapping_of(mapping_of(document.get("components")).get("schemas")).get(name))


def _commands(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = commands_of(old), commands_of(new)
    yield from _gone_and_new("command {}", before, after)
    for name in [each for each in before if each in after]:
        yield from _parameters(f"command {name}", before[name], after[name])
        was, now = reply_of(before[name]), reply_of(after[name])
        if was != now:
            yield Change(f"command {name}", f"replies with {now or 'nothing'}, not with {was or 'nothing'}", was is not None)
        elif was is not None:
            shapes = (resolved(document, {"$ref": f"#/{was}"}) for document in (old, new))
            yield from _fields(f"command {name}, reply", *shapes)


def _parameters(where: str, before: JsonObject, after: JsonObject) -> Iterator[Change]:
    (old, was_required), (new, is_required) = parameters_of(before), parameters_of(after)
    for name, shape in old.items():
        place = f"{where}, parameter {name}"
        if name not in new:
            yield Change(place, "is gone", True)
            continue
        if name in is_required - was_required:
            yield Change(place, "has to be given", True)
        elif name in was_required - is_required:
            yield Change(place, "may be left out", False)
        yield from _values(place, shape, new[name], narrower_breaks=True)
    for name in new:
        if name not in old:
            required = name in is_required
            yield Change(f"{where}, parameter {name}", "is new, and has to be given" if required else "is new", required)


def _messages(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = messages_of(old), messages_of(new)
    yield from _gone_and_new("message {}", before, after)
    for name, shape in before.items():
        if name in after:
            yield from _fields(f"message {name}", shape, after[name])


def _fields(where: str, before: JsonObject, after: JsonObject) -> Iterator[Change]:
    """What a client is told: it may read each field of the older document, and expects its values there."""
    (old, was_sure), (new, is_sure) = properties_of(before), properties_of(after)
    for name, shape in old.items():
        place = f"{where}, field {name}"
        if name not in new:
            yield Change(place, "is gone", True)
            continue
        if name in was_sure - is_sure:
            yield Change(place, "has a default now", False)
        yield from _values(place, shape, new[name], narrower_breaks=False)
    for name in new:
        if name not in old:
            yield Change(f"{where}, field {name}", "is new", False)


def _tracks(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = tracks_of(old), tracks_of(new)
    yield from _gone_and_new("track {}", before, after)
    for name, track in before.items():
        if name in after:
            for key in ("kind", "direction"):
                was, now = track.get(key), after[name].get(key)
                if was != now:
                    yield Change(f"track {name}", f"{key} is {now}, not {was}", True)


def _gone_and_new(where: str, before: Iterable[str], after: Iterable[str]) -> Iterator[Change]:
    before, after = dict.fromkeys(before), dict.fromkeys(after)
    for name in before:
        if name not in after:
            yield Change(where.format(name), "is gone", True)
    for name in after:
        if name not in before:
            yield Change(where.format(name), "is new", False)


def _values(where: str, old: JsonObject, new: JsonObject, *, narrower_breaks: bool) -> Iterator[Change]:
    """How the values of a field have changed. Fewer break who sends them, more break who reads them."""
    was, now = _type(old), _type(new)
    if was != now:
        wider = _is_wider(was, now)
        breaking = True if wider is None else wider is not narrower_breaks
        yield Change(where, f"is {_words(now)}, not {_words(was)}", breaking)
        return
    for limits, is_narrower in ((_LOWER, _above), (_UPPER, _below)):
        for key, words in limits.items():
            yield from _limit(where, words, (_number(old.get(key)), _number(new.get(key))), is_narrower, narrower_breaks)
    yield from _choices(where, old.get("enum"), new.get("enum"), narrower_breaks=narrower_breaks)


_Limit: TypeAlias = int | float | None


def _limit(
    where: str, words: str, limit: tuple[_Limit, _Limit], is_narrower: Callable[[float, float], bool], narrower_breaks: bool
) -> Iterator[Change]:
    was, now = limit
    if was == now:
        return
    narrower = was is None or (now is not None and is_narrower(was, now))
    told = f"has no {words} any more" if now is None else f"{words} is {now}" + (f", not {was}" if was is not None else "")
    yield Change(where, told, narrower and narrower_breaks)


def _choices(where: str, was: Any, now: Any, *, narrower_breaks: bool) -> Iterator[Change]:
    old = was if isinstance(was, list) else None
    new = now if isinstance(now, list) else None
    if old == new:
        return
    if old is None or new is None:
        yield Change(where, "has choices now" if old is None else "takes any value now", (old is None) is narrower_breaks)
        return
    for value in old:
        if value not in new:
            yield Change(where, f"{value!r} is no choice any more", narrower_breaks)
    for value in new:
        if value not in old:
            yield Change(where, f"{value!r} is a new choice", not narrower_breaks)


def _number(value: Any) -> _Limit:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _above(was: float, now: float) -> bool:
    return now > was


def _below(was: float, now: float) -> bool:
    return now < was


def _type(shape: JsonObject) -> JsonObject:
    """What a shape says of the type alone."""
    return {key: value for key, value in shape.items() if key not in _IGNORED}


def _is_wider(was: JsonObject, now: JsonObject) -> bool | None:
    """Whether a type takes more values than before, or fewer; None where neither is certain."""
    if was == {"type": "integer"} and now == {"type": "number"}:
        return True
    if was == {"type": "number"} and now == {"type": "integer"}:
        return False
    before, after = _alternatives(was), _alternatives(now)
    if all(each in after for each in before):
        return True
    return False if all(each in before for each in after) else None


def _alternatives(shape: JsonObject) -> list[Any]:
    found = shape.get("anyOf")
    if isinstance(found, list) and len(shape) == 1:
        return found
    kinds = shape.get("type")
    return [{**shape, "type": kind} for kind in kinds] if isinstance(kinds, list) else [shape]


def _words(shape: JsonObject) -> str:
    """A type as people say it."""
    if (name := reference_of(shape)) is not None:
        return name
    kinds = [each.get("type") or reference_of(each) or "anything" for each in _alternatives(shape) if isinstance(each, dict)]
    return " or ".join(str(kind) for kind in kinds) or "anything"


def properties_of(shape: JsonObject) -> tuple[dict[str, JsonObject], frozenset[str]]:
    """The fields of a shape, by name, and which of them are required."""
    fields = {name: mapping_of(field) for name, field in mapping_of(shape.get("properties")).items()}
    required = shape.get("required")
    return fields, frozenset(str(name) for name in required) if isinstance(required, list) else frozenset()


def body_of(holder: JsonObject) -> JsonObject:
    """The shape of what a request or an answer carries."""
    return mapping_of(mapping_of(mapping_of(holder.get("content")).get("application/json")).get("schema"))


def mapping_of(value: Any) -> JsonObject:
    """A mapping as it is, and nothing where there is none."""
    return dict(value) if isinstance(value, Mapping) else {}
