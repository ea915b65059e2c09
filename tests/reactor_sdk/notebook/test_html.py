"""A client and a clip as HTML."""

from __future__ import annotations

import base64
import copy
import pickle

from reactor_sdk.clips import Clip
from reactor_sdk.notebook.html import Snapshot, client_html, clip_html
from reactor_sdk.types import Capabilities

EVIL = '<img src=x onerror="alert(1)">'
CLIP = Clip("s-1", "snap", 2.0, 7.5, 8.0, 1_700_000_000_000, "http://127.0.0.1:1/clip?signature=secret")


def capabilities(name: str, description: str) -> Capabilities:
    return {
        "protocol_version": "v0",
        "tracks": [{"name": name, "kind": "video", "direction": "recvonly"}],
        "commands": [{"name": name, "description": description}],
    }


def test_tracks_and_commands_are_tables() -> None:
    html = client_html(Snapshot("helios", "ready", capabilities("main_video", "What it does")))
    assert "<strong>helios</strong> ready" in html
    assert "<tr><td>main_video</td><td>video</td><td>from the model</td></tr>" in html
    assert "<tr><td>main_video</td><td>What it does</td></tr>" in html


def test_what_a_server_says_is_text() -> None:
    html = client_html(Snapshot(EVIL, EVIL, capabilities(EVIL, EVIL), error=EVIL, hint=EVIL))
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;") == 7


def test_long_texts_and_lists_are_cut() -> None:
    offered = capabilities("x", "y" * 10_000)
    offered["commands"] = [{"name": f"c{number}", "description": "y" * 10_000} for number in range(1000)]
    html = client_html(Snapshot("helios", "ready", offered))
    assert "c199" in html
    assert "c200" not in html
    assert len(html) < 200_000


def test_a_clip_tells_its_facts_and_no_address() -> None:
    html = CLIP._repr_html_()
    assert "snap of 5.5 s, from 2.0 s to 7.5 s" in html
    assert "<video" not in html
    assert "secret" not in html


def test_a_clip_plays_once_it_was_fetched_unless_it_is_long() -> None:
    short, long = copy.copy(CLIP), copy.copy(CLIP)
    short._keep(b"mp4 file")
    long._keep(bytes(8 * 1024 * 1024 + 1))
    assert f'src="data:video/mp4;base64,{base64.b64encode(b"mp4 file").decode()}"' in short._repr_html_()
    assert "<video" not in long._repr_html_()
    assert short == CLIP
    assert pickle.loads(pickle.dumps(short)) == CLIP


def test_facts_are_text() -> None:
    assert EVIL not in clip_html(EVIL, b"", EVIL) + clip_html(EVIL, None, EVIL)
