"""Files that a command refers to inside its values."""

from pathlib import Path

from tests.reactor_runtime.runtime_support import opened

from reactor_runtime.config import Manifest

MODEL = """
import asyncio
from dataclasses import dataclass
from reactor_runtime import Audio, Input, ModelMessage, Output, ReactorModel, UploadedFile, Video, connected, event


@dataclass
class Layer:
    image: UploadedFile
    weight: int = 1


class Welcome(ModelMessage):
    text: str = ""


class Seen(ModelMessage):
    text: str


class Out(Output):
    main: Video


class In(Input):
    webcam: Video
    voice: Audio


class Model(ReactorModel):
    inputs: In

    async def run(self):
        await asyncio.Event().wait()

    @connected
    async def greet(self, client):
        await client.send(Welcome())

    @event(name="stack")
    async def stack(self, layers: list[Layer], notes: dict[str, str] | None = None) -> Seen:
        return Seen(" ".join(f"{layer.image.name}:{layer.image.size}x{layer.weight}" for layer in layers))
"""


async def test_references_become_files_however_deep_they_are(tmp_path: Path) -> None:
    (tmp_path / "inline_upload_model.py").write_text(MODEL)
    async with opened(Manifest(tmp_path, "inline_upload_model:Model", "m", None)) as house:
        await house.start()
        body = {"name": "a.png", "size": 6, "mime_type": "image/png", "upload_id": "u-1"}
        root = "/sessions/00000000-0000-0000-0000-000000000000/uploads"
        url = (await house.http.post(root, json=body)).json()["presigned_url"]
        await house.http.put(url, content=b"abcdef")
        visitor = await house.welcome()
        layers = [{"image": {"upload_id": "u-1"}}, {"image": {"upload_id": "u-1"}, "weight": 3}]
        result = await visitor.command("stack", layers=layers)
        assert result.reply is not None
        assert result.reply.data == {"text": "a.png:6x1 a.png:6x3"}
        refused = (await visitor.command("stack", layers=[{"image": {"upload_id": "u-2"}}])).error
        assert refused is not None
        assert (refused.code, refused.message) == ("unresolved_upload", "this session has no upload u-2")
        harmless = (await visitor.command("stack", layers=[], notes={"upload_id": "u-2"})).reply
        assert harmless is not None
        assert harmless.data == {"text": ""}
