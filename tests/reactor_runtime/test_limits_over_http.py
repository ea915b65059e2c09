"""Clients that want more places than there are, over real HTTP."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from tests.reactor_runtime.runtime_support import House
from tests.reactor_runtime.served import served

from reactor_runtime import places
from reactor_runtime.config import Settings

CANDIDATE = {"candidate": "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host", "sdp_mid": "0"}


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No place is given back before all have asked for one, however long that takes."""
    monkeypatch.setattr(places, "UNUSED_S", 600.0)


async def offer_to(house: House, number: int) -> httpx.Response:
    body = await house.visitor().offer()
    return await house.http.post(f"{house.root}/connections/{number}/sdp_params", json=body)


async def test_the_sixty_fifth_connection_of_two_hundred_is_refused(slow_machine: None) -> None:
    async with served(Settings(negotiation_timeout=600)) as house:
        responses = await asyncio.gather(*(offer_to(house, 2000 + number) for number in range(200)))
        statuses = Counter(response.status_code for response in responses)
        assert statuses[202] == 64
        assert statuses.keys() <= {202, 503, 429}
        for response in responses:
            if response.status_code != 202:
                assert int(response.headers["retry-after"]) in (1, 5)
        assert len(list(house.runtime.signalling)) == 64


async def test_offers_that_are_never_followed_up_give_their_places_back() -> None:
    async with served(Settings(max_connections=8, negotiation_timeout=0.2)) as house:
        for number in range(8):
            assert (await offer_to(house, 2000 + number)).status_code == 202
        async with asyncio.timeout(20):
            while list(house.runtime.signalling):  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(0.01)
        assert (await offer_to(house, 3000)).status_code == 202


async def test_a_client_that_is_there_keeps_its_place_among_those_that_are_not() -> None:
    async with served(Settings(max_connections=4)) as house:
        visitor = await house.welcome()
        statuses = [(await offer_to(house, 2000 + number)).status_code for number in range(6)]
        assert statuses == [202, 202, 202, 503, 503, 503]
        assert (await visitor.command("set_level", level=1)).error is None


async def test_ids_that_are_registered_and_never_used(slow_machine: None) -> None:
    async with served(Settings(negotiation_timeout=600)) as house:
        responses = await asyncio.gather(*(house.http.post(f"{house.root}/connections") for _ in range(300)))
        assert Counter(response.status_code for response in responses) == {201: 256, 503: 44}
        refused = next(response for response in responses if response.status_code == 503)
        assert refused.headers["retry-after"] == "5"
        assert (await offer_to(house, 2000)).status_code == 202, "an offer needs no registered id"


async def test_candidates_without_end() -> None:
    async with served() as house:
        for connection_id in (await register(house), 2000):
            if connection_id == 2000:
                assert (await offer_to(house, 2000)).status_code == 202
            statuses = []
            for _ in range(4):
                body = {"candidates": [CANDIDATE] * 100}
                path = f"{house.root}/connections/{connection_id}/ice_candidates"
                statuses.append((await house.http.post(path, json=body)).status_code)
            assert statuses == [202, 202, 429, 429]


async def register(house: House) -> int:
    return int((await house.http.post(f"{house.root}/connections")).json()["connection_id"])


async def test_offers_that_are_far_too_large() -> None:
    async with served() as house:
        path = f"{house.root}/connections/2000/sdp_params"
        sections = "\r\nm=video 9 UDP/TLS/RTP/SAVPF 96" * 200
        bodies: list[tuple[dict[str, Any], int]] = [
            ({"sdp_offer": "v=0\r\n" + "a" * 1_048_576}, 413),
            ({"sdp_offer": "v=0\r\n" + "a" * 300_000}, 422),
            ({"sdp_offer": f"v=0{sections}"}, 400),
        ]
        for body, status in bodies:
            refused = await house.http.post(path, json=body)
            assert refused.status_code == status
        assert refused.json()["detail"] == "an offer has at most 128 media sections"
        assert list(house.runtime.signalling) == []
