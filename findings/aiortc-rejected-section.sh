#!/usr/bin/env bash
# aiortc 1.16.0 does not take an answer that refuses one of several media sections (port 0, RFC 3264, 6): setRemoteDescription()
# raises, and the data channel of the same answer is lost with it. Exits with 1 where that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiortc==1.16.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import re
import sys
from importlib.metadata import version

from aiortc import RTCPeerConnection, RTCSessionDescription

CODECS = ("a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=ssrc", "a=candidate", "a=end-of-candidates")


def with_video_refused(answer: str) -> str:
    """The same answer with port 0 for video: the bundle is the data channel's alone."""
    head, video, data = re.split(r"^(?=m=)", answer, flags=re.MULTILINE)
    lines = [line for line in video.splitlines() if not line.startswith(CODECS)]
    lines[0] = "m=video 0 UDP/TLS/RTP/SAVPF 0"
    return head.replace("BUNDLE 0 1", "BUNDLE 1") + "\r\n".join(lines) + "\r\n" + data


async def main() -> int:
    offerer, answerer = RTCPeerConnection(), RTCPeerConnection()
    offerer.addTransceiver("video", direction="recvonly")
    offerer.createDataChannel("data")
    await offerer.setLocalDescription(await offerer.createOffer())
    await answerer.setRemoteDescription(RTCSessionDescription(offerer.localDescription.sdp, "offer"))
    await answerer.setLocalDescription(await answerer.createAnswer())
    answer = with_video_refused(answerer.localDescription.sdp)
    print(f"aiortc {version('aiortc')}: an answer that refuses the video section and takes the data channel")
    print("expected: it is taken, and the data channel opens")
    try:
        await offerer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        happened = "it is taken"
    except Exception as error:
        happened = f"{type(error).__name__}: {error}"
    print(f"happens:  {happened}")
    await offerer.close()
    await answerer.close()
    return 0 if happened == "OperationError: Failed to set remote video description send parameters" else 1


sys.exit(asyncio.run(main()))
PYTHON
