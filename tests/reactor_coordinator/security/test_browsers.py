"""What browsers are allowed: pages of which origins may call, and no page of ours runs anything."""

import re
from pathlib import Path

from tests.reactor_coordinator.house import House, configuration, opened

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,reactor-api-version",
}


async def test_every_origin_may_call_unless_some_are_named(house: House) -> None:
    reply = await house.ask("OPTIONS", "/sessions", headers={"Origin": "https://anywhere.example", **PREFLIGHT})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_only_origins_that_are_named_may_call(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, allowed_origins=["https://app.example"])) as house:
        named = {"Origin": "https://app.example"}
        reply = await house.ask("OPTIONS", "/sessions", headers={**named, **PREFLIGHT})
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")
        assert {"authorization", "content-type", "reactor-api-version"} <= set(
            reply.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
        )
        refused = await house.ask("GET", "/sessions", headers=named)
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://app.example")
        assert refused.headers["Access-Control-Expose-Headers"] == "Retry-After"
        for origin in ("https://evil.example", "https://app.example.evil.example", "http://app.example", "null"):
            reply = await house.ask("OPTIONS", "/sessions", headers={"Origin": origin, **PREFLIGHT})
            assert (reply.status, "Access-Control-Allow-Origin" in reply.headers) == (400, False)
            assert "Access-Control-Allow-Origin" not in (await house.ask("GET", "/health", headers={"Origin": origin})).headers


async def test_the_documentation_needs_nothing_from_elsewhere(house: House) -> None:
    reply = await house.ask("GET", "/docs")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert re.findall(r"<script|<link|<img|<iframe|\bsrc=|\bon\w+=|https?://", reply.body) == []


async def test_the_documentation_names_every_route_and_every_schema(house: House) -> None:
    page = (await house.ask("GET", "/docs")).body
    document = (await house.ask("GET", "/openapi.json")).body
    for path, item in document["paths"].items():
        for method in item:
            assert f"<h3><b>{method.upper()}</b> {path}</h3>" in page
    shown = set(re.findall(r'<h3 id="(\w+)">', page))
    assert shown == set(document["components"]["schemas"])
    tags = {item[method]["tags"][0] for item in document["paths"].values() for method in item}
    assert set(re.findall(r'href="#(\w+)"', page)) == shown | tags | {"schemas"}


async def test_what_stands_between_backticks_is_shown_as_code(house: House) -> None:
    page = (await house.ask("GET", "/docs")).body
    assert "Exchange an API key for a token (<code>POST /tokens</code>)" in page
    assert "`" not in page


async def test_the_pages_that_need_a_network_are_not_there(house: House) -> None:
    assert (await house.ask("GET", "/redoc")).status == 404
    assert (await house.ask("GET", "/docs/oauth2-redirect")).status == 404
