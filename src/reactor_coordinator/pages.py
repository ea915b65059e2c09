"""The pages that a coordinator serves: the playground at ``/play``, the operator's page at ``/admin``."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter

from reactor_coordinator.config import CloudConfig
from reactor_pages.routes import assets, page

_ANY_STORE: Final = "https:"


def page_routes(config: CloudConfig) -> list[APIRouter]:
    """Pages and what they are made of. They hold no data: that is asked for with the key that somebody types in."""
    return [
        page("/play", "playground", mode="hosted", connect=connects(config)),
        assets("/playground", "playground"),
        page("/admin", "admin", mode="hosted"),
        assets("/admin/assets", "admin"),
    ]


def connects(config: CloudConfig) -> list[str]:
    """Where the playground may send requests beside the address that it came from: the places that uploads go to."""
    origins = []
    if config.public_url is not None:
        parts = urlsplit(config.public_url)
        origins.append(f"{parts.scheme}://{parts.netloc}")
    if not config.uploads.startswith("file:"):
        # An object store signs addresses of its own, whose host is known only once it has signed one.
        origins.append(_ANY_STORE)
    return origins
