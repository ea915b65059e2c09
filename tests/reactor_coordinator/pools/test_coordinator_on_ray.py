"""A whole coordinator over a real Ray cluster, with real workers: a node is killed while its worker runs a session."""

import time
import uuid
from pathlib import Path
from typing import cast

import pytest
from tests.reactor_coordinator.house import configuration, joined
from tests.reactor_coordinator.pools.ray_nodes import TwoNodes

from reactor_coordinator.config import RayPoolSpec
from reactor_coordinator.pools.ray import RayPool
from reactor_http.listen import bind
from reactor_testing.fake_pool import FakePool

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

LOADING_S = 60.0


async def test_a_session_goes_on_elsewhere_when_its_node_is_killed(
    ray_cluster: TwoNodes, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Two nodes with one worker each, two sessions, a third client that waits: who lost a worker goes before who had none."""
    spec = RayPoolSpec(kind="ray", address=ray_cluster.address, namespace=f"test-{uuid.uuid4().hex}")
    pool = RayPool(spec, tmp_path / "state", environ)
    async with joined(configuration(tmp_path), cast(FakePool, pool), bind("127.0.0.1", 0)) as house:
        token = await house.token(await house.key())
        ids = [(await house.begin(token))["session_id"] for _ in range(3)]
        await house.sees(lambda seen: sum(each.state == "ACTIVE" for each in seen.sessions.values()) == 2, LOADING_S)
        waiting = next(each for each in ids if house.snapshot.sessions[each].state == "WAITING")
        assert waiting == ids[2]

        node = ray_cluster.nodes[-1]
        lost = next(each for each in house.snapshot.workers.values() if each.pid in node.processes())
        session_id = lost.session_id
        assert session_id is not None
        killed = time.monotonic()
        node.kill()
        await house.sees(lambda seen: seen.sessions[session_id].state == "INACTIVE", LOADING_S)
        print(f"a lost node was noticed after {time.monotonic() - killed:.1f} s")
        other = next(each for each in ids[:2] if each != session_id)
        assert house.snapshot.sessions[other].state == "ACTIVE"

        ray_cluster.add_node()
        await house.sees(lambda seen: seen.sessions[session_id].state == "ACTIVE", LOADING_S)
        print(f"its session is ACTIVE again after {time.monotonic() - killed:.1f} s")
        again = house.snapshot.sessions[session_id]
        assert (again.worker_id != lost.id, again.restarts, again.placements) == (True, 1, 2)
        assert [house.snapshot.sessions[each].state for each in (other, waiting)] == ["ACTIVE", "WAITING"]

        await house.ask("DELETE", f"/sessions/{session_id}", token)
        await house.sees(lambda seen: seen.sessions[waiting].state == "ACTIVE", LOADING_S)
        await house.coordinator.end_everything()
        assert await pool.dead() == {}
