"""StoredFile: a file of a client that has arrived, by where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reactor_runtime.commands import UNRESOLVED_UPLOAD
from reactor_runtime.declared import CommandError, UploadedFile


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a client that has arrived. ``path`` is where it lies until the session ends."""

    name: str
    mime_type: str
    path: Path

    def read(self) -> UploadedFile:
        """The file as a model gets it. Raises :class:`CommandError` ``unresolved_upload`` where it is gone with its session."""
        try:
            return UploadedFile(self.name, self.mime_type, self.path.read_bytes(), self.path)
        except OSError as error:
            raise CommandError(UNRESOLVED_UPLOAD, f"the upload {self.name[:64]} cannot be read any more") from error
