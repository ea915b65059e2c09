"""The coordinator's HTTP application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from reactor_coordinator import failures
from reactor_coordinator.callers import refuse_key_in_address
from reactor_coordinator.failures import documented
from reactor_coordinator.metrics import Timed
from reactor_coordinator.pages import page_routes
from reactor_coordinator.reference_page import CONTENT_POLICY, page
from reactor_coordinator.routes_admin import admin_routes
from reactor_coordinator.routes_sessions import one_session_routes, session_routes
from reactor_coordinator.routes_tokens import token_routes
from reactor_coordinator.routes_transport import clip_routes, schema_routes, transport_routes
from reactor_coordinator.routes_uploads import upload_routes
from reactor_coordinator.routes_workers import worker_routes
from reactor_coordinator.service import Service
from reactor_coordinator.views import VERSION
from reactor_http.body_limit import BodyLimit
from reactor_http.routes import add_routes
from reactor_protocol.errors import BadRequestError

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
_FIGURES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}

_ROUTES = (
    token_routes,
    session_routes,
    one_session_routes,
    schema_routes,
    upload_routes,
    transport_routes,
    clip_routes,
    worker_routes,
    admin_routes,
)


def build_app(service: Service) -> FastAPI:
    """The routes, and what every request goes through."""
    app = FastAPI(title="openreactor coordinator", description=_ABOUT, version=VERSION, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit)
    app.add_middleware(_NoKeyInAddress)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=service.config.allowed_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Retry-After"],
    )
    app.add_middleware(Timed, metrics=service.metrics)
    failures.install(app)
    for routes in _ROUTES:
        add_routes(app, routes(service))
    for router in page_routes(service.config):
        add_routes(app, router)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()), headers={"Content-Security-Policy": CONTENT_POLICY})

    @app.get("/metrics", tags=["operation"], response_class=Response, responses={**_FIGURES, **documented(400)})
    async def metrics(_request: Request) -> Response:
        """Figures for Prometheus."""
        return Response(service.metrics.text(), media_type=_TEXT_FORMAT)

    return app


class _NoKeyInAddress:
    """Refuses requests whose address holds an API key, before anything else sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                refuse_key_in_address(scope["path"], scope.get("query_string", b""))
            except BadRequestError as error:
                await failures.failure(400, error.code, error.message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


_ABOUT = """Sessions of real-time video models.

Exchange an API key for a token (`POST /tokens`), begin a session (`POST /sessions`), wait until it is `ACTIVE` (`GET
/sessions/{id}`, as a stream of events if you like), then exchange descriptions under `/sessions/{id}/transport/webrtc`.
Every error has a `code` and a `message` that says what to do; `Retry-After` stands where waiting helps."""
