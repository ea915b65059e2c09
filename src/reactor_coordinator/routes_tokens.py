"""Routes of tokens and models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Security
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from reactor_coordinator.bodies import StrictRoute
from reactor_coordinator.callers import API_KEY, BEARER
from reactor_coordinator.failures import documented
from reactor_coordinator.scopes import Scope, TokenRequest, dump
from reactor_coordinator.service import Service
from reactor_protocol.lifecycles import WorkerState


class TokenIssued(BaseModel):
    """A token; ``expires_at`` is in epoch seconds."""

    jwt: str
    expires_at: float
    authorization_details: list[Scope] | None = None


class ModelListed(BaseModel):
    """A model, how many workers serve it and are free, and how many clients wait for it."""

    name: str
    workers: int
    free: int
    waiting: int


class ModelsListed(BaseModel):
    models: list[ModelListed]


class JsonWebKeys(BaseModel):
    keys: list[dict[str, Any]]


def token_routes(service: Service) -> APIRouter:
    """``/tokens``, ``/.well-known/jwks.json``, ``/models``, ``/me`` and ``/health``."""
    router = APIRouter(route_class=StrictRoute)

    @router.post(
        "/tokens",
        responses={200: {"model": TokenIssued}, **documented(400, 401, 413, 422, 429, 503)},
        tags=["tokens"],
        dependencies=[Security(API_KEY)],
    )
    async def issue(request: Request, body: TokenRequest | None = None) -> JSONResponse:
        """Exchanges an API key (header ``Reactor-API-Key``) for a token, which may be bound to models and sessions."""
        key = await service.doorkeeper.key_of(request)
        wanted = body or TokenRequest()
        jwt, expires_at = service.signer.issue(
            key, wanted.expires_after or service.config.limits.token_seconds, wanted.authorization_details
        )
        answer: dict[str, Any] = {"jwt": jwt, "expires_at": expires_at}
        if wanted.authorization_details is not None:
            answer["authorization_details"] = dump(wanted.authorization_details)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @router.get("/tokens", responses={200: {"model": TokenIssued}, **documented(400, 401, 429, 503)}, tags=["tokens"])
    async def issue_plain(request: Request) -> JSONResponse:
        """The same for clients from before scopes (reactor-sdk until 0.4): a token for all that the key may do."""
        return await issue(request, None)

    @router.get("/.well-known/jwks.json", responses={200: {"model": JsonWebKeys}, **documented(400)}, tags=["tokens"])
    async def jwks() -> JSONResponse:
        """The public key that tokens are signed with (EdDSA): whoever has it can check them without asking."""
        return JSONResponse(service.signer.jwks(), headers={"Cache-Control": "public, max-age=300"})

    @router.get("/models", responses=documented(400, 401, 429, 503), tags=["models"], dependencies=[Security(BEARER)])
    async def models(request: Request) -> ModelsListed:
        """The models that are served here, and how busy they are."""
        await service.doorkeeper.caller(request)
        snapshot = service.board.snapshot
        waiting = service.board.waiting_by_model()
        listed = []
        for name in service.config.models:
            crew = [worker for worker in snapshot.workers.values() if worker.model == name]
            free = sum(worker.state is WorkerState.IDLE for worker in crew)
            listed.append(ModelListed(name=name, workers=len(crew), free=free, waiting=waiting.get(name, 0)))
        return ModelsListed(models=listed)

    @router.get("/health", responses=documented(400), tags=["operation"])
    async def health() -> dict[str, str]:
        """Whether this coordinator takes sessions."""
        return {"status": "draining" if service.draining else "healthy"}

    return router
