"""Where an answer says to look next, and when: alike in every dialect."""

from __future__ import annotations

import httpx
import pytest

from app.domain.generation import State
from app.domain.ids import parse_generation_id
from tests.harness.gateway import Gateway
from tests.http.creates import CREATES


@pytest.mark.parametrize(
    "name", ["1min.ai", "own REST", "OpenAI", "Luma Dream Machine", "Luma Agents"]
)
async def test_a_create_and_its_status_say_where_and_when_to_look_again(
    still_gate: Gateway, name: str
) -> None:
    key = await still_gate.member()
    create = await CREATES[name].ready(still_gate, key)
    made = await create.post(still_gate, key, Prefer="respond-async")
    assert made.is_success, made.text
    assert 2 <= int(made.headers["Retry-After"]) <= 60
    where = httpx.URL(made.headers["Location"])
    assert parse_generation_id(where.path.rpartition("/")[2]) == create.uuid(made)

    found = await still_gate.http.get(where.path, headers={"Authorization": f"Bearer {key}"})
    assert found.status_code == 200, found.text
    assert 1 <= int(found.headers["Retry-After"]) <= 60

    still_gate.start_worker()
    assert (await still_gate.closed(str(create.uuid(made)))).state is State.SUCCEEDED
    done = await still_gate.http.get(where.path, headers={"Authorization": f"Bearer {key}"})
    assert done.status_code == 200
    assert "Retry-After" not in done.headers
