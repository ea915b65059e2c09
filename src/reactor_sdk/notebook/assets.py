"""The page's half of the widget: one module of JavaScript and one style sheet, with the playground's own forms inside."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

ROOT_CLASS: Final = "reactor-widget"
FORMS: Final = "controls"

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";$', re.MULTILINE)
_EXPORT_LIST: Final = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_STATIC: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_DARK: Final = re.compile(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}\s*\}")


@cache
def esm() -> str:
    """The module that anywidget loads."""
    scopes: dict[str, str] = {}
    _enclose(FORMS, scopes)
    return "\n".join([*scopes.values(), f"const {{ buildControls }} = {_scope(FORMS)};\n", _own("widget.js")])


@cache
def css() -> str:
    """The style of the widget, which touches nothing else of the notebook's page."""
    # Whether it is dark is the notebook's affair, and not the operating system's: the widget looks, and says so by a class.
    theme = _DARK.sub(r"&.dark {\1}", _page("theme.css"))
    inner = f"{theme}\n{_page('playground', f'{FORMS}.css')}\n{_page('playground', 'widgets.css')}\n{_own('widget.css')}"
    return f".{ROOT_CLASS} {{\n{inner.replace(':root', '&')}\n}}\n"


def _enclose(name: str, scopes: dict[str, str]) -> None:
    """Adds a module of the playground as a function of its own, behind those that it imports: no name meets another."""
    if name in scopes:
        return
    text = _page("playground", f"{name}.js")
    for _, imported in _IMPORT.findall(text):
        _enclose(imported, scopes)
    exported = [*_EXPORT.findall(text), *_names(",".join(_EXPORT_LIST.findall(text)))]
    body = _IMPORT.sub(lambda found: f"const {{ {', '.join(_names(found[1]))} }} = {_scope(found[2])};", text)
    body = _EXPORT.sub("", _EXPORT_LIST.sub("", body))
    if (left := _STATIC.search(body)) is not None:
        raise ValueError(f"{name}.js: the widget cannot take in {left[0]!r}")
    scopes[name] = f"const {_scope(name)} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def _scope(name: str) -> str:
    return "module_" + name.replace("-", "_")


def _names(listed: str) -> list[str]:
    return [name.strip().replace(" as ", ": ") for name in listed.split(",") if name.strip()]


def _page(*path: str) -> str:
    return files("reactor_pages").joinpath("static", *path).read_text(encoding="utf-8")


def _own(name: str) -> str:
    return files("reactor_sdk.notebook").joinpath("static", name).read_text(encoding="utf-8")
