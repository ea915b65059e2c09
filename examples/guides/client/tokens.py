"""Tokens: your server keeps the API key, and gives its clients tokens that can do little and not for long."""

import asyncio

from reactor_sdk import Reactor, end_session, fetch_jwt_token, list_sessions


# --8<-- [start:server]
async def token_for_a_visitor(api_key: str, api_url: str) -> str:
    """One session of one model, of five minutes at most."""
    return await fetch_jwt_token(
        api_key,
        api_url,
        models=["echo"],
        max_sessions=1,
        max_session_duration_seconds=300,
        expires_after=600,
    )


# --8<-- [end:server]


# --8<-- [start:client]
async def visit(api_key: str, api_url: str) -> None:
    async def fresh() -> str:
        return await token_for_a_visitor(api_key, api_url)  # in earnest: asks your server

    async with Reactor("echo", api_url=api_url, jwt=fresh) as reactor:
        await reactor.connect()
        print(reactor.get_session_expiration())


# --8<-- [end:client]


# --8<-- [start:tidy]
async def end_all(api_key: str, api_url: str) -> None:
    """Ends what a program that crashed has left behind."""
    for session in await list_sessions(api_key, api_url):
        await end_session(session["session_id"], api_key, api_url)


# --8<-- [end:tidy]


if __name__ == "__main__":
    asyncio.run(visit("rk_...", "http://127.0.0.1:8090"))
