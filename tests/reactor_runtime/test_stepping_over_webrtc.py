"""Steps over the real engine: requests and results of several megabytes."""

import pytest
from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.test_stepping import STEPPED, STEPPER, begin, joined, raw, step

from reactor_protocol.messages import RequestStep, StepTrack
from reactor_rtc.peer_proxy import make_peer

pytestmark = pytest.mark.network


async def test_large_requests_and_results_cross() -> None:
    async with opened(STEPPER, factory=make_peer) as house:
        await begin(house, STEPPED)
        visitor = await joined(house)
        media = (StepTrack("webcam", "video", (raw(90, 1280, 720), raw(30, 1280, 720)), 30.0),)
        result = await step(visitor, RequestStep("s1", {"level": 190}, (), media))
        (frame,) = result.tracks[0].frames
        assert frame.metadata == b'{"seen":120,"heard":0}'
        assert (frame.shape, len(frame.data)) == ((1000, 4000, 3), 12_000_000)
