"""The live widget, on anywidget. Import it by ``extra.module``: its packages may not be there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from anywidget import AnyWidget

from reactor_protocol.errors import InvalidStateError
from reactor_sdk.frames import FrameFeed
from reactor_sdk.notebook.assets import css, esm
from reactor_sdk.notebook.panel import Panel, PanelOptions

if TYPE_CHECKING:
    from reactor_sdk.reactor import Reactor


class ReactorWidget(AnyWidget):
    """The live picture and the commands of a client. :meth:`close` ends it, and leaves the client as it is.

    All that it shows goes as messages. What a notebook saves of it is its code and style: no picture, no address, no token.
    """

    _esm = esm()
    _css = css()

    def __init__(self, reactor: Reactor, feed: FrameFeed, title: str, options: PanelOptions) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise InvalidStateError("a widget needs a running event loop, as notebooks have") from error
        super().__init__()
        self._panel: Panel | None = Panel(reactor, feed, title, self._send_to_pages, options)
        self.on_msg(self._received)

    def _send_to_pages(self, content: dict[str, Any], parts: list[bytes]) -> None:
        self.send(content, buffers=parts)

    def _received(self, _widget: object, content: object, parts: Sequence[memoryview]) -> None:
        # Kernels may handle messages of widgets in a thread of their own.
        self._on_loop(lambda: self._hand_over(content, parts))

    def _hand_over(self, content: object, parts: Sequence[memoryview]) -> None:
        if self._panel is not None:
            self._panel.receive(content, parts)

    def _on_loop(self, work: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """Takes the widget off the page, and ends what it does."""
        panel, self._panel = getattr(self, "_panel", None), None
        if panel is not None:
            self._on_loop(lambda: self._loop.create_task(panel.close(), name="reactor.widget.close"))
        super().close()
