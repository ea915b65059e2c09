"""What authors' unit tests do with a model that nothing runs; prints one JSON document with what came of it.

python author_checks.py FOLDER
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
sys.path.insert(0, str(FOLDER))

import roamer  # noqa: E402
import terrain  # noqa: E402

from reactor_runtime import ClientInfo, CommandError, InputBuffer, InputFrame, MediaInput, Video  # noqa: E402
from reactor_runtime.interface.model.contract import ModelContract  # noqa: E402
from reactor_runtime.manifest import load_config  # noqa: E402
from reactor_runtime.schema import render  # noqa: E402


def contract() -> dict[str, Any]:
    found = ModelContract.of(roamer.Roamer)
    return {
        "hooks": {hook: getattr(found.lifecycle, hook) is not None for hook in ("session_started", "connected", "file_uploaded")},
        "commands": {
            name: {key: [field.info.description, field.info.choices] for key, field in spec.command.__command_fields__.items()}
            for name, spec in found.commands.items()
        },
        "reserved": {name: [spec.reserved, spec.is_async] for name, spec in found.commands.items()},
        "document": found.render_schema("v1.2.3").to_openapi(),
        "model": load_config(FOLDER / "reactor.yaml").model_ref,
    }


async def use() -> dict[str, Any]:
    class Camera(MediaInput):
        camera: "Video"

    model: Any = roamer.Roamer()
    model.state = terrain.RoamerState()
    said: list[Any] = []
    to_client: list[Any] = []

    async def record(message: Any) -> None:
        said.append(message)

    model.send = record
    model._begin()
    await model._greet(ClientInfo(id=3, joined_at=0.0, _send=to_client.append))
    reply = await model.move(12)
    try:
        await model.leap(None, 5)
    except CommandError as error:
        refused = str(error)
    turns: Iterator[Any] = model.inference()
    first, second = next(turns), next(turns)
    turns.close()  # type: ignore[attr-defined]
    again = model.inference()
    next(again)
    third = next(again)
    frame = InputFrame(data=second.main_video)
    holder: Any = Camera(camera=InputBuffer())
    holder.camera.push(frame)
    await model.emit(third)
    model.output.flush()
    return {
        "idle": [bool(first), repr(first)],
        "pixels": [int(second.main_video[0, 0, 0]), int(third.main_video[0, 0, 0])],
        "equal": [said == [terrain.Moved(place=12)], reply == said[0], to_client == [terrain.Arrived(place=0)]],
        "wire": reply.to_wire_format(),
        "refused": refused,
        "read": (await holder.camera.read())[0].data.shape,
        "entries": model.entries,
        "rate": [model.output.fps, model.buffer_size],
        "private": [model.state._seed, model.state._steps, model.state._visited],
        "state": [model.state == terrain.RoamerState(), terrain.RoamerState() == terrain.RoamerState()],
    }


logging.basicConfig(level=logging.WARNING)
roamer.Roamer().load(None)
# What is declared last is not in the documents: the published runtime has one list of tracks for a process.
documents = {"contract": contract(), "render": render(FOLDER, version="1.2.3")}
print(json.dumps({**documents, "use": asyncio.run(use())}))
