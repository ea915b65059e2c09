"""Files that come from a page in parts, and the references that commands carry in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import FileRef

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_OPEN: Final = 4
MAX_REFERENCES: Final = 256
MAX_NAME_CHARS: Final = 256


@dataclass(slots=True)
class PageFile:
    """A file on its way from the page; ``size`` is in bytes."""

    name: str
    mime_type: str
    size: int
    content: bytearray = field(default_factory=bytearray)

    @property
    def complete(self) -> bool:
        return len(self.content) == self.size


def announced(told: object) -> PageFile:
    """The file of which a page sends a part. Raises :class:`InvalidArgumentError` for anything else."""
    match told:
        case {"name": str(name), "mime_type": str(mime_type), "size": int(size)}:
            return PageFile(name[:MAX_NAME_CHARS], mime_type[:MAX_NAME_CHARS], size)
    raise InvalidArgumentError("the page sent a file without a name, a type or a size")


class PageUploads:
    """Puts parts together, within bounds, and remembers the references of what was uploaded."""

    def __init__(self) -> None:
        self._open: dict[str, PageFile] = {}
        self._references: dict[str, FileRef] = {}

    def take(self, key: str, announced: PageFile, part: bytes | memoryview) -> PageFile:
        """The file with one more part, in order. One that is complete is forgotten here.

        Raises :class:`InvalidArgumentError` for a file that is empty, too large, or one too many, and for a part too much.
        """
        file = self._open.get(key) or self._begin(key, announced)
        if len(file.content) + len(part) > file.size or not part:
            del self._open[key]
            raise InvalidArgumentError(f"{file.name}: the page sent other parts than it announced")
        file.content += part
        if file.complete:
            del self._open[key]
        return file

    def _begin(self, key: str, announced: PageFile) -> PageFile:
        if not 1 <= announced.size <= MAX_FILE_BYTES:
            raise InvalidArgumentError(
                f"{announced.name} has {announced.size} bytes: from a notebook 1 to {MAX_FILE_BYTES} can be uploaded"
            )
        if len(self._open) >= MAX_OPEN:
            raise InvalidArgumentError(f"{MAX_OPEN} files are on their way already")
        self._open[key] = announced
        return announced

    def uploaded(self, reference: FileRef) -> None:
        """A file has arrived at the session."""
        self._references[reference.upload_id] = reference
        while len(self._references) > MAX_REFERENCES:
            del self._references[next(iter(self._references))]

    def resolved(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data of a command, in which references to files of this page are what ``send_command`` takes."""
        return {name: self._reference(value) for name, value in data.items()}

    def _reference(self, value: Any) -> Any:
        known = value.get("upload_id") if isinstance(value, dict) else None
        return self._references.get(known, value) if isinstance(known, str) else value
