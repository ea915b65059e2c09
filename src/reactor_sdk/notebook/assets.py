"""The page's half of the widget: one module of JavaScript and one style sheet, with the playground's own forms inside."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

ROOT_CLASS: Final = "reactor-widget"

_EXPORT: Final = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_DARK: Final = re.compile(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}\s*\}")


@cache
def esm() -> str:
    """The module that anywidget loads. The forms have a scope of their own, so that no name meets another."""
    forms = _EXPORT.sub("", _page("playground", "controls.js"))
    return f"const {{ buildControls }} = (() => {{\n{forms}\nreturn {{ buildControls }};\n}})();\n\n{_own('widget.js')}"


@cache
def css() -> str:
    """The style of the widget, which touches nothing else of the notebook's page."""
    # Whether it is dark is the notebook's affair, and not the operating system's: the widget looks, and says so by a class.
    theme = _DARK.sub(r"&.dark {\1}", _page("theme.css"))
    inner = f"{theme}\n{_page('playground', 'controls.css')}\n{_own('widget.css')}"
    return f".{ROOT_CLASS} {{\n{inner.replace(':root', '&')}\n}}\n"


def _page(*path: str) -> str:
    return files("reactor_pages").joinpath("static", *path).read_text(encoding="utf-8")


def _own(name: str) -> str:
    return files("reactor_sdk.notebook").joinpath("static", name).read_text(encoding="utf-8")
