"""How a client shows itself: as text, as HTML, and where there is a notebook as a live widget."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from reactor_protocol.errors import InvalidStateError, MissingExtraError
from reactor_protocol.lifecycles import ReactorStatus
from reactor_sdk.link import Link
from reactor_sdk.notebook import extra
from reactor_sdk.notebook.html import Snapshot, client_html
from reactor_sdk.notebook.panel import PanelOptions
from reactor_sdk.notebook.pictures import jpeg
from reactor_sdk.stats import main_video

if TYPE_CHECKING:
    from reactor_sdk.notebook.widget import ReactorWidget
    from reactor_sdk.reactor import Reactor

STILL_WIDTH = 640


class Displayed:
    """The half of the client that notebooks use."""

    _link: Link
    _shown: ReactorWidget | None = None

    def widget(self, *, track: str | None = None, fps: float = 15.0, max_width: int = 960) -> ReactorWidget:
        """A widget with the live picture of ``track`` (unless given the main video) and a form for every command.

        It works in JupyterLab, VS Code and Colab: pictures (JPEG, at most ``fps`` a second and ``max_width`` pixels wide) and
        commands go by the kernel, so the browser needs no way to the model. The page gets the next picture when it has drawn
        the last. A client that is the last line of a cell shows such a widget by itself.

        Raises :class:`MissingExtraError` without the extra ``notebook``, :class:`InvalidArgumentError` for a rate or width that
        makes no sense, and :class:`InvalidStateError` where no event loop runs.
        """
        module = extra.module("widget", "widget()")
        options = PanelOptions(track, fps, max_width)
        title = self._link.dialer.config.model_name
        made: ReactorWidget = module.ReactorWidget(cast("Reactor", self), self._link.frames, title, options)
        return made

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if not in_kernel():
            return {**bundle, "text/html": self._html(None)}, {}
        try:
            shown, metadata = self._live_widget()._repr_mimebundle_() or ({}, {})
        except (MissingExtraError, InvalidStateError) as error:
            return {**bundle, "text/html": self._html(str(error))}, {}
        # Where a notebook is shown without its kernel, the table stands in for the widget.
        return {**shown, **bundle, "text/html": self._html(None, still=False)}, metadata

    def _live_widget(self) -> ReactorWidget:
        if self._shown is None or self._shown.comm is None:  # closed
            self._shown = Displayed.widget(self)  # a model may have a command of that name
        return self._shown

    def _html(self, hint: str | None, *, still: bool = True) -> str:
        state = self._link.state
        main = main_video(state.tracks())
        newest = self._link.frames.newest(main) if still and main is not None else None
        shown = Snapshot(
            title=self._link.dialer.config.model_name,
            status=str(state.status),
            capabilities=state.capabilities(),
            error=str(state.last_error) if state.last_error is not None and state.status != ReactorStatus.READY else None,
            picture=jpeg(newest, STILL_WIDTH) if newest is not None else None,
            hint=hint,
        )
        return client_html(shown)


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
