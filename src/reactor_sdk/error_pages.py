"""What proxies and object stores say when something fails: pages for people and XML, as one sentence. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

_PAGE: Final = re.compile(r"\A\s*(<!doctype html|<html|<head|<body|<h1)", re.IGNORECASE)
_TITLE: Final = re.compile(r"<(title|h1|h2)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_XML_MESSAGE: Final = re.compile(r"<message>(.*?)</message>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_MOST_CHARS: Final = 20_000
_MOST_TITLE: Final = 120

_SENTENCES: Final = {
    413: "what was sent is larger than {proxy} lets through: raise its limit (nginx: client_max_body_size)",
    502: "{proxy} reaches no server behind it: is that one running?",
    503: "{proxy} has no server behind it that is ready",
    504: "the server behind {proxy} did not answer it in time",
}


def sentence_of(status: int, server: str, text: str) -> str | None:
    """The sentence for a failed answer that our servers did not write; None for a text that is to be repeated as it is.

    ``server`` is the header of that name. Nothing at all, with a status that proxies use, counts as a proxy's word.
    """
    text = text[:_MOST_CHARS]
    if text.lstrip().startswith("<?xml") or text.lstrip().startswith("<Error>"):
        found = _XML_MESSAGE.search(text)
        return _words(found[1]) if found is not None else None
    page = _PAGE.match(text) is not None
    if text.strip() and not page:
        return None
    name = _words(server.partition("/")[0])
    proxy = f"the proxy in front of the server ({name})" if name else "the proxy in front of the server"
    if status in _SENTENCES:
        return _SENTENCES[status].format(proxy=proxy)
    if not page:
        return None
    title = next((words for _, each in _TITLE.findall(text) if (words := _words(each))), "")
    return f"{proxy} answered with a page: {title}" if title else f"{proxy} answered with a page"


def _words(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())[:_MOST_TITLE]
