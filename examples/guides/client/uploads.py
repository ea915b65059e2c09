"""Uploads: a file goes to the session once, and is then the value of a parameter as often as you like."""

import asyncio
from pathlib import Path

from reactor_sdk import CommandRejected, Reactor


async def main(logo: Path = Path("logo.png")) -> None:
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        # --8<-- [start:upload]
        reference = await reactor.upload_file(logo, on_progress=lambda sent, total: print(f"{sent} of {total} bytes"))
        reply = await reactor.send_command("set_logo", {"image": reference})
        print(reply)  # {'type': 'logo_placed', 'data': {'width': 64, 'height': 48}}
        # --8<-- [end:upload]
        # --8<-- [start:bytes]
        reference = await reactor.upload_file(b"not a picture", name="notes.txt", mime_type="text/plain")
        try:
            await reactor.send_command("set_logo", {"image": reference})
        except CommandRejected as refusal:
            print(refusal.code, "-", refusal.reason)  # bad_image - notes.txt is no picture
        # --8<-- [end:bytes]


if __name__ == "__main__":
    asyncio.run(main())
