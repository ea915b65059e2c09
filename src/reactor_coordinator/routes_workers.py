"""The route by which workers report. Each has a secret of its own, which the coordinator can derive from the worker's id."""

from __future__ import annotations

from fastapi import APIRouter, Request, Security

from reactor_coordinator.bodies import StrictRoute
from reactor_coordinator.callers import WORKER_SECRET
from reactor_coordinator.failures import documented
from reactor_coordinator.service import Service
from reactor_coordinator.tokens import same_secret
from reactor_protocol.errors import AuthenticationError
from reactor_protocol.resources import WorkerOrders, WorkerReport


def worker_routes(service: Service) -> APIRouter:
    """``/workers``."""
    router = APIRouter(prefix="/workers", tags=["workers"], route_class=StrictRoute)

    @router.post(
        "/{worker_id}/report", responses=documented(400, 401, 404, 413, 422, 503), dependencies=[Security(WORKER_SECRET)]
    )
    async def report(request: Request, worker_id: str, body: WorkerReport) -> WorkerOrders:
        """Takes a worker's report, and says what it is to do."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not same_secret(secret, service.signer.worker_secret(worker_id)):
            raise AuthenticationError("the secret is not this worker's")
        return await service.reports.take(worker_id, body)

    return router
