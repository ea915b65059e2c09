"""What the shell is offered when Tab is pressed: folders with a model, commands of the model that runs here."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Final

MANIFEST: Final = "reactor.yaml"
DEFAULT_URL: Final = "http://127.0.0.1:8080"
_PATIENCE_S: Final = 0.3
_MAX_BYTES: Final = 4 << 20
_MOST: Final = 200


def model_folders(incomplete: str) -> list[str]:
    """The folders that begin like that and hold a model, or a folder that does."""
    base = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        folders = sorted(each for each in base.iterdir() if each.is_dir() and not each.name.startswith("."))[:_MOST]
        found = [str(each) for each in folders if (each / MANIFEST).is_file() or any(each.glob(f"*/{MANIFEST}"))]
    except OSError:
        return []
    here = ["."] if not incomplete and Path(MANIFEST).is_file() else []
    return here + [each for each in found if each.startswith(incomplete)]


def command_names(incomplete: str) -> list[tuple[str, str]]:
    """The commands of the model that runs on this machine, and what they do; none where nobody answers at once."""
    url = (os.environ.get("REACTOR_LOCAL_URL") or DEFAULT_URL).rstrip("/")
    if not url.startswith(("http://", "https://")):
        return []
    try:
        with urllib.request.urlopen(f"{url}/schema", timeout=_PATIENCE_S) as reply:
            document = json.loads(reply.read(_MAX_BYTES))
    except (OSError, ValueError):
        return []
    return [each for each in commands_of(document) if each[0].startswith(incomplete)]


def commands_of(document: object) -> list[tuple[str, str]]:
    """The commands that a schema document describes, and what they do."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return []
    found = []
    for path, item in paths.items():
        prefix, _, name = str(path).rpartition("/")
        if prefix == "/events" and isinstance(item, dict):
            operation = item.get("post")
            text = operation.get("description") or operation.get("summary") if isinstance(operation, dict) else None
            found.append((name, str(text or "")))
    return found
