"""The routes of signalling, with the literals of the reference (runtime, 4 and 12; client and REST, 1.15)."""

from typing import Any
from uuid import uuid4

from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.visitor import Visitor

from reactor_rtc.port import EventSink, IceServer, PeerConfig
from reactor_runtime.config import Settings
from reactor_testing.fake_peer import FakeNetwork, FakePeer

CANDIDATE = {
    "candidate": "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host",
    "sdp_mid": "0",
    "sdp_mline_index": 0,
}


async def test_without_a_session_everything_is_400_and_with_another_one_404() -> None:
    async with opened() as house:
        visitor = house.visitor()
        offer = await visitor.offer()

        async def answers(session: str) -> set[tuple[int, str]]:
            root = f"/sessions/{session}/transport/webrtc"
            http = house.http
            responses = [
                await http.get(f"{root}/ice_servers"),
                await http.post(f"{root}/connections"),
                await http.post(f"{root}/connections/1002/sdp_params", json=offer),
                await http.put(f"{root}/connections/1002/sdp_params", json=offer),
                await http.get(f"{root}/connections/1002/sdp_params"),
                await http.post(f"{root}/connections/1002/ice_candidates", json={"candidates": []}),
                await http.post(f"{root}/sdp_params", json=offer),
                await http.put(f"{root}/sdp_params", json=offer),
                await http.get(f"{root}/sdp_params"),
            ]
            return {(response.status_code, response.json()["detail"]) for response in responses}

        nil = "00000000-0000-0000-0000-000000000000"
        assert await answers(nil) == {(400, "No session running")}
        await house.start()
        assert await answers(str(uuid4())) == {(404, "Unknown session")}
        assert await answers("not-an-id") == {(404, "Unknown session")}


async def test_the_real_session_id_works_like_the_nil_one() -> None:
    async with opened() as house:
        session = (await house.http.post("/start_session")).json()["session_id"]
        assert (await house.http.post(f"/sessions/{session}/transport/webrtc/connections")).status_code == 201


async def test_registering_gives_an_id_and_the_tracks_as_the_model_sees_them() -> None:
    async with opened() as house:
        await house.start()
        ids = set()
        for _ in range(20):
            response = await house.http.post(f"{house.root}/connections")
            assert response.status_code == 201
            assert 1002 <= response.json()["connection_id"] <= 9999
            ids.add(response.json()["connection_id"])
        assert len(ids) == 20
        assert response.json()["track_map"] == {
            "webcam": {"kind": "video", "direction": "in", "rate": 0},
            "voice": {"kind": "audio", "direction": "in", "rate": 48000},
            "main": {"kind": "video", "direction": "out", "rate": 0},
        }


async def test_ids_run_out_with_503() -> None:
    async with opened(settings=Settings(max_connections=2)) as house:
        await house.start()
        statuses = [(await house.http.post(f"{house.root}/connections")).status_code for _ in range(9)]
        assert statuses == [201] * 8 + [503]


async def test_an_offer_is_202_and_its_answer_can_be_fetched_again_and_again() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        response = await house.http.get(visitor.path)
        assert (response.status_code, response.content) == (202, b"")
        headers = {"Reactor-WebRTC-Version": "1.0"}
        response = await house.http.post(visitor.path, json=await visitor.offer(), headers=headers)
        assert response.status_code == 202
        assert response.json() == {"connection_id": visitor.id}
        for _ in range(2):
            answer = await house.http.get(visitor.path)
            assert answer.status_code == 200
            assert answer.json().keys() == {"sdp_answer", "connection_id"}
            assert answer.json()["connection_id"] == visitor.id


async def test_an_unregistered_id_is_accepted_within_its_range() -> None:
    async with opened() as house:
        await house.start()
        for number, status in [(1001, 202), (9999, 202), (1000, 400), (10000, 400), (-5, 400), (0, 400)]:
            offer = await house.visitor().offer()
            path = f"{house.root}/connections/{number}/sdp_params"
            assert (await house.http.post(path, json=offer)).status_code == status, number
        assert (await house.http.post(f"{house.root}/connections/x/sdp_params", json=offer)).status_code == 422


async def test_an_unknown_connection_has_no_answer_and_takes_no_candidates() -> None:
    async with opened() as house:
        await house.start()
        response = await house.http.get(f"{house.root}/connections/1234/sdp_params")
        assert (response.status_code, response.json()["detail"]) == (404, "there is no connection 1234")
        response = await house.http.post(f"{house.root}/connections/1234/ice_candidates", json={"candidates": [CANDIDATE]})
        assert response.status_code == 404


async def test_candidates_may_come_before_and_after_the_offer() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        path = f"{house.root}/connections/{visitor.id}/ice_candidates"
        for final in (False, True):
            response = await house.http.post(path, json={"candidates": [CANDIDATE], "is_final": final})
            assert (response.status_code, response.content) == (202, b"")
        await visitor.negotiate()
        assert (await house.http.post(path, json={"candidates": [CANDIDATE, {"candidate": ""}]})).status_code == 202
        rubbish = await house.http.post(path, json={"candidates": [{"candidate": "rubbish", "sdp_mid": "0"}]})
        assert rubbish.status_code == 400
        assert "not an ICE candidate" in rubbish.json()["detail"]
        await visitor.until_said("welcome")


async def changed(visitor: Visitor, **changes: Any) -> dict[str, Any]:
    """An offer whose first track is mapped differently."""
    offer = await visitor.offer()
    offer["track_mapping"][0] |= changes
    return offer


UNKNOWN_TRACKS: list[tuple[dict[str, Any], int, str]] = [
    (
        {"name": "bogus"},
        400,
        "the model has no recvonly video track 'bogus'; it has: "
        "webcam (video, sendonly), voice (audio, sendonly), main (video, recvonly)",
    ),
    ({"direction": "sendonly"}, 400, "the model has no sendonly video track 'main'"),
    ({"kind": "audio"}, 400, "the model has no recvonly audio track 'main'"),
    ({"kind": "smell"}, 422, "Input should be 'audio' or 'video'"),
    ({"direction": "up"}, 422, "Input should be 'recvonly' or 'sendonly'"),
    ({"name": None}, 422, "Input should be a valid string"),
]


async def test_tracks_that_the_model_does_not_have() -> None:
    async with opened() as house:
        await house.start()
        for changes, status, problem in UNKNOWN_TRACKS:
            visitor = house.visitor()
            await visitor.register()
            response = await house.http.post(visitor.path, json=await changed(visitor, **changes))
            assert response.status_code == status
            detail = response.json()["detail"]
            assert problem in (detail if status == 400 else detail[0]["msg"])
            # The id is still good for a better offer.
            assert (await house.http.post(visitor.path, json=await house.visitor().offer())).status_code == 202


async def test_an_sdp_that_is_none_is_400_with_a_reason() -> None:
    async with opened() as house:
        await house.start()
        for sdp in ("rubbish", "v=0", "v=0\r\n", "{}", "\x00" * 100, "v=0\r\nm=video 9 X 0\r\n"):
            response = await house.http.post(f"{house.root}/connections/1002/sdp_params", json={"sdp_offer": sdp})
            assert response.status_code == 400
            assert response.json()["detail"]
            assert response.json()["code"] == "NEGOTIATION_FAILED"
            assert list(house.runtime.signalling) == []


async def test_offers_without_their_fields_are_422() -> None:
    async with opened() as house:
        await house.start()
        bodies: list[Any] = [{}, {"sdp_offer": ""}, {"sdp_offer": 3}, {"sdp_offer": "v=0", "track_mapping": [{}] * 65}, []]
        for body in bodies:
            response = await house.http.post(f"{house.root}/connections/1002/sdp_params", json=body)
            assert response.status_code == 422, body


async def test_connections_above_the_limit_are_503_but_offers_again_are_not() -> None:
    async with opened(settings=Settings(max_connections=3)) as house:
        await house.start()
        for number in range(3):
            offer = await house.visitor().offer()
            path = f"{house.root}/connections/{2000 + number}/sdp_params"
            assert (await house.http.post(path, json=offer)).status_code == 202
        refused = await house.http.post(f"{house.root}/connections/3000/sdp_params", json=await house.visitor().offer())
        assert (refused.status_code, refused.json()["detail"]) == (503, "this runtime takes at most 3 connections")
        assert (await house.http.put(path, json=await house.visitor().offer())).status_code == 202
        assert len(list(house.runtime.signalling)) == 3


def test_64_connections_are_the_limit() -> None:
    assert Settings().max_connections == 64


async def test_the_ice_servers_of_the_settings() -> None:
    servers = (IceServer(("stun:a:1",)), IceServer(("turn:b:2",), "user", "secret"))
    async with opened(settings=Settings(peer=PeerConfig(ice_servers=servers))) as house:
        await house.start()
        assert (await house.http.get(f"{house.root}/ice_servers")).json() == {
            "ice_servers": [
                {"uris": ["stun:a:1"]},
                {"uris": ["turn:b:2"], "credentials": {"username": "user", "password": "secret"}},
            ]
        }


async def test_the_ice_servers_of_an_offer_replace_them() -> None:
    seen: list[tuple[IceServer, ...]] = []
    network = FakeNetwork()

    def observed(config: PeerConfig, sink: EventSink) -> FakePeer:
        seen.append(config.ice_servers)
        return network.make_peer(config, sink)

    settings = Settings(peer=PeerConfig(ice_servers=(IceServer(("stun:a:1",)),)))
    async with opened(settings=settings, factory=observed) as house:
        house.factory = network.make_peer
        await house.start()
        given = [{"uris": ["turn:b:2"], "credentials": {"username": "user", "password": "secret"}}, {"uris": ["stun:c:3"]}]
        extras: list[dict[str, Any]] = [{}, {"ice_servers": []}, {"ice_servers": given}]
        for extra in extras:
            offer = await house.visitor().offer() | extra
            assert (await house.http.post(f"{house.root}/connections/1002/sdp_params", json=offer)).status_code == 202
        assert seen == [
            (IceServer(("stun:a:1",)),),
            (),
            (IceServer(("turn:b:2",), "user", "secret"), IceServer(("stun:c:3",))),
        ]


async def test_the_legacy_routes_need_no_id() -> None:
    async with opened() as house:
        await house.start()
        assert (await house.http.get(f"{house.root}/sdp_params")).status_code == 404
        visitor = house.visitor(legacy=True)
        body = await visitor.offer() | {"client_info": {"sdk_version": "2.9.0", "sdk_type": "js"}}
        response = await house.http.post(visitor.path, json=body, headers={"authorization": "Bearer local"})
        assert (response.status_code, response.json()) == (202, {"connection_id": 1001})
        answer = await house.http.get(visitor.path)
        assert answer.status_code == 200
        await visitor.peer.accept_answer(answer.json()["sdp_answer"])
        await visitor.until_said("welcome")
        again = house.visitor(legacy=True)
        assert (await house.http.put(again.path, json=await again.offer())).status_code == 202
