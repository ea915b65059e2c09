"""The session that ``reactor client send`` leaves open, so that the commands after it go on with it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reactor_cli.output import errors, plain

ENV_STATE: Final = "XDG_STATE_HOME"
_FORGOTTEN_S: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Where a session may have been left open: the address of a runtime, or of a coordinator and one of its models.

    Only the session's id is kept, in a file that its owner alone may read; what opens it, a key or a token, is not.
    """

    url: str
    model: str | None = None

    def read(self) -> str | None:
        """The id of the session; None where none was left."""
        try:
            told = json.loads(self._file().read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        known = told.get("session_id") if isinstance(told, dict) else None
        return known if isinstance(known, str) else None

    def remember(self, session_id: str) -> bool:
        """Notes a session. False where the disk does not take it: it cannot be found again then."""
        file = self._file()
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _tidy(file.parent, time.time())
            body = json.dumps({"url": self.url, "model": self.model, "session_id": session_id})
            with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                out.write(body)
        except OSError as error:
            errors.print(f"[yellow]the session cannot be gone on with:[/yellow] {plain(str(error))}", soft_wrap=True)
            return False
        return True

    def forget(self) -> None:
        """There is no such session any more."""
        with contextlib.suppress(OSError):
            self._file().unlink()

    def _file(self) -> Path:
        name = hashlib.sha256(f"{self.url}\n{self.model or ''}".encode()).hexdigest()[:24]
        return _folder() / f"{name}.json"


def _folder() -> Path:
    base = os.environ.get(ENV_STATE) or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".local" / "state")
    return Path(base) / "reactor" / "sessions"


def _tidy(folder: Path, now: float) -> None:
    """Deletes notes of sessions that are long over."""
    for file in folder.glob("*.json"):
        if now - file.stat().st_mtime > _FORGOTTEN_S:
            file.unlink(missing_ok=True)
