"""The half of the fake server that a runtime has too: signalling, uploads, and the one session of a local runtime."""

from __future__ import annotations

import uuid

from aiohttp import web
from pydantic import ValidationError

from reactor_protocol.resources import Candidates, Offer, UploadRequest
from reactor_testing.fake_coordinator_state import FakeSession, House, refused


class RuntimeRoutes:
    """Routes that act on the sessions of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._slots: dict[str, UploadRequest] = {}

    def routes(self) -> list[web.RouteDef]:
        webrtc = "/sessions/{id}/transport/webrtc"
        offers = webrtc + "/connections/{cid}/sdp_params"
        return [
            web.post("/sessions/{id}/uploads", self._reserve),
            web.put("/uploads/{id}", self._store),
            web.get(webrtc + "/ice_servers", self._ice_servers),
            web.post(webrtc + "/connections", self._register),
            web.post(offers, self._offer),
            web.put(offers, self._offer),
            web.get(offers, self._answer),
            web.post(webrtc + "/connections/{cid}/ice_candidates", self._candidates),
            web.post("/start_session", self._start_local),
            web.get("/session", self._local),
            web.post("/stop_session", self._stop_local),
        ]

    # ----------------------------------------------------------------------------------------------------- uploads

    async def _reserve(self, request: web.Request) -> web.Response:
        self._house.find(request)
        wanted = UploadRequest.model_validate_json(await request.read())
        upload_id = uuid.uuid4().hex
        self._slots[upload_id] = wanted
        url = f"{self._house.url}/uploads/{upload_id}?sig=a%2Bb"
        return web.json_response({"presigned_id": upload_id, "presigned_url": url, "path": wanted.name}, status=201)

    async def _store(self, request: web.Request) -> web.Response:
        upload_id = request.match_info["id"]
        wanted = self._slots.get(upload_id)
        if wanted is None or request.query.get("sig") != "a+b":
            return refused(404, "no such upload")
        content = await request.read()
        if len(content) != wanted.size:
            return refused(400, f"{len(content)} bytes instead of {wanted.size}")
        self._house.uploads[upload_id] = content
        return web.Response()

    # -------------------------------------------------------------------------------------------------- signalling

    async def _ice_servers(self, request: web.Request) -> web.Response:
        self._house.find(request)
        return web.json_response({"ice_servers": []})

    async def _register(self, request: web.Request) -> web.Response:
        return web.json_response({"connection_id": self._house.find(request).model.register()}, status=201)

    async def _offer(self, request: web.Request) -> web.Response:
        session = self._house.find(request)
        connection_id = int(request.match_info["cid"])
        if not session.model.knows(connection_id):
            return refused(404, f"no connection {connection_id}")
        try:
            offer = Offer.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"detail": error.errors(include_context=False)}, status=422)
        await session.model.offer(connection_id, offer)
        return web.json_response({"connection_id": connection_id}, status=202)

    async def _answer(self, request: web.Request) -> web.Response:
        connection_id = int(request.match_info["cid"])
        answer = self._house.find(request).model.answer(connection_id)
        asked = "/sessions/{id}/transport/webrtc/connections/{cid}/sdp_params"
        polls = sum(each.method == "GET" and each.route == asked for each in self._house.requests)
        if answer is None or polls <= self._house.behaviour.answer_delay:
            return web.Response(status=202)
        return web.json_response({"sdp_answer": answer, "connection_id": connection_id})

    async def _candidates(self, request: web.Request) -> web.Response:
        found = Candidates.model_validate_json(await request.read())
        await self._house.find(request).model.candidates(int(request.match_info["cid"]), found)
        return web.Response(status=202)

    # --------------------------------------------------------------------------------------------- a local runtime

    async def _start_local(self, _request: web.Request) -> web.Response:
        house = self._house
        if house.sessions and _newest(house).state in ("waiting", "streaming", "orphaned", "closing"):
            return web.json_response({"detail": "a session is running"}, status=409)
        session = house.open("echo")
        session.state = "waiting"
        return web.json_response(session.body(house.behaviour))

    async def _local(self, _request: web.Request) -> web.Response:
        if not self._house.sessions:
            return web.json_response({"session_id": "", "state": "ready"})
        return web.json_response(_newest(self._house).body(self._house.behaviour))

    async def _stop_local(self, _request: web.Request) -> web.Response:
        if not self._house.sessions or _newest(self._house).state == "ready":
            return web.json_response({"detail": "no session is running"}, status=409)
        session = _newest(self._house)
        session.state = "ready"
        await session.model.drop()
        return web.Response()


def _newest(house: House) -> FakeSession:
    return list(house.sessions.values())[-1]
