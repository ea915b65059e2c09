"""The fields that clients have set, as bytes, so that a model which is loaded again gets them back."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from reactor_runtime.declared import UploadedFile
from reactor_runtime.records import InputState

logger = logging.getLogger(__name__)

MAX_FIELD_BYTES: Final = 1 << 20


class _Writer(pickle.Pickler):
    """Uploads are remembered by where they lie."""

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, UploadedFile) and value.path is not None:
            return value.name, value.mime_type, str(value.path)
        return None


class _Reader(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> UploadedFile:
        name, mime_type, path = pid
        return UploadedFile(name, mime_type, Path(path).read_bytes(), Path(path))


class StateMemory:
    """Remembers one model's state. Fields that cannot be kept are said once, and left out."""

    def __init__(self) -> None:
        self._left_out: set[str] = set()
        self._last = b""

    def forget(self) -> None:
        """Another session begins."""
        self._last = b""

    def change(self, state: object) -> bytes | None:
        """The public fields, where they are not as they were the last time; else None.

        None too for what is no state of ours: a model may use the name for something else.
        """
        if not isinstance(state, InputState):
            return None
        kept = {name: self._field(name, getattr(state, name)) for name in type(state).public()}
        body = pickle.dumps({name: value for name, value in kept.items() if value is not None})
        if body == self._last:
            return None
        self._last = body
        return body

    def _field(self, name: str, value: Any) -> bytes | None:
        target = io.BytesIO()
        try:
            _Writer(target, pickle.HIGHEST_PROTOCOL).dump(value)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            self._leave_out(name, str(error))
            return None
        if target.tell() > MAX_FIELD_BYTES:
            self._leave_out(name, f"it is above {MAX_FIELD_BYTES} bytes")
            return None
        return target.getvalue()

    def _leave_out(self, name: str, why: str) -> None:
        if name not in self._left_out:
            self._left_out.add(name)
            logger.warning("the field %s of the state would be lost in a crash: %s", name, why)


def put_back(state: InputState | None, body: bytes) -> None:
    """Sets the fields that were remembered; one that cannot be read any more stays as it is, and is logged."""
    if state is None:
        return
    fields: Mapping[str, bytes] = pickle.loads(body)
    known = type(state).public()
    for name, value in fields.items():
        if name not in known:
            continue  # the model has been changed meanwhile
        try:
            setattr(state, name, _Reader(io.BytesIO(value)).load())
        except (pickle.UnpicklingError, OSError, AttributeError, ImportError, TypeError, ValueError) as error:
            logger.warning("the field %s could not be put back: %s", name, error)
