"""What mkdocs asks while it builds: each ``<!-- made: NAME -->`` in a page becomes what its maker makes of the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mkdocs.exceptions import PluginError

from website import rest_pages, settings_pages, wire_pages
from website.diagrams import picture
from website.documents import coordinator_document, runtime_document
from website.lifecycle_charts import CHARTS

_MARK: Final = re.compile(r"^<!-- made: ([a-z0-9 -]+) -->$", re.MULTILINE)


def _chart(name: str) -> Callable[[], str]:
    return lambda: f'<div class="chart" tabindex="0">{picture(CHARTS[name])}</div>'


MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    **{f"lifecycle {name}": _chart(name) for name in CHARTS},
    "rest runtime": lambda: rest_pages.reference(runtime_document(), "runtime"),
    "rest coordinator": lambda: rest_pages.reference(coordinator_document(), "coordinator"),
    "wire v0": wire_pages.v0_messages,
    "wire v1 only": wire_pages.v1_only,
    "wire limits": wire_pages.limits,
    "errors": wire_pages.error_table,
    "cloud configuration": settings_pages.cloud_configuration,
}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called for each page. A mark that nobody makes is a mistake, and ends the build."""
    return _MARK.sub(lambda found: _made(found[1], page.file.src_path), markdown)


def _made(name: str, where: str) -> str:
    if name not in MAKERS:
        raise PluginError(f"{where}: nobody makes {name!r}; there are {', '.join(MAKERS)}")
    return MAKERS[name]()
