"""A file is never lost between a client that reserves it and a worker that is just being given the session."""

from pathlib import Path
from typing import Any

import pytest
from tests.reactor_coordinator.house import Answer, configuration, opened


async def test_a_file_that_is_reserved_while_its_session_is_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(configuration(tmp_path)) as house:
        token = await house.token(await house.key())
        uploads, answers = house.coordinator.service.uploads, list[Answer]()
        hand_over = uploads.hand_over

        async def and_reserve(client: Any, worker: Any, session_id: str, *told: frozenset[str]) -> frozenset[str]:
            known = await hand_over(client, worker, session_id, *told)
            if not answers:
                file = {"name": "a.txt", "size": 3, "mime_type": "text/plain"}
                answers.append(await house.ask("POST", f"/sessions/{session_id}/uploads", token, json=file))
            return known

        monkeypatch.setattr(uploads, "hand_over", and_reserve)
        session = await house.begin(token)
        await house.until(token, session["session_id"], "ACTIVE")
        (answer,) = answers
        worker = house.worker_of(session["session_id"])
        await worker.until(lambda: worker.asked.uploads)
        assert list(worker.asked.uploads) == [answer.body["presigned_id"]]
