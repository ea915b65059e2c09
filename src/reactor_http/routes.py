"""An application made of routers."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Makes a router's routes those of ``app``, as they are.

    ``include_router`` makes each of them a second time, with its validators, and lets the first requests wait for that.
    """
    app.router.routes.extend(router.routes)
