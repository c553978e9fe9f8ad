"""Luma Agents over HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.harness.gateway import Gateway, body
from tests.harness.traces import traces
from tests.luma.calling import AGENTS, DREAM_MACHINE, ask_agents, bearer, dream, look


async def test_a_create_answers_at_once_and_becomes_a_video(gate: Gateway) -> None:
    key = await gate.member()
    asked = {"model": "ray-3.2", "aspect_ratio": "1:1", "video": {"resolution": "360p"}}
    answer = await ask_agents(gate, key, asked)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["state"] in ("queued", "processing")
    assert (made["model"], made["type"], made["output"]) == ("ray-3.2", "video", [])
    assert made["video"] == {"duration": "5s", "resolution": "720p"}
    assert answer.headers["Reelgate-Adjusted"] == "video.resolution=360p->720p"
    assert answer.headers["Location"].endswith(f"{AGENTS}/generations/{made['id']}")

    generation = await gate.closed(made["id"])
    done = (await look(gate, key, f"{AGENTS}/generations/{made['id']}")).json()
    assert (done["state"], done["failure_code"]) == ("completed", None)
    [output] = done["output"]
    assert output["type"] == "video"
    assert (await gate.http.get(output["url"])).content[4:8] == b"ftyp"
    assert (generation.dialect, generation.spec.model) == ("luma_agents", "ray-v3")


async def test_a_failure_has_a_code_of_theirs(gate: Gateway) -> None:
    key = await gate.member()
    made = (await ask_agents(gate, key, {"prompt": "[sim:fail_later] a lion"})).json()
    await gate.closed(made["id"])
    failed = (await look(gate, key, f"{AGENTS}/generations/{made['id']}")).json()
    assert (failed["state"], failed["failure_code"]) == ("failed", "generation_failed")
    assert failed["failure_reason"]


async def test_it_waits_only_where_it_is_asked_to(gate: Gateway) -> None:
    key = await gate.member()
    answer = await ask_agents(gate, key, prefer="wait=500")
    assert (answer.status_code, answer.json()["state"]) == (201, "completed")


async def test_what_other_dialects_made_is_there_and_other_peoples_is_not(
    still_gate: Gateway,
) -> None:
    key, other = await still_gate.member(), await still_gate.member("bob")
    native = (await still_gate.create(key, body())).json()["aiRecord"]["uuid"]
    dreamt = (await dream(still_gate, key)).json()["id"]
    for made in (native, dreamt, f"video_{dreamt.replace('-', '')}"):
        found = await look(still_gate, key, f"{AGENTS}/generations/{made}")
        assert found.json()["state"] == "queued"
        assert 1 <= int(found.headers["Retry-After"]) <= 60
    mine = (await ask_agents(still_gate, key)).json()["id"]
    for path in (f"{AGENTS}/generations/{mine}", f"{DREAM_MACHINE}/generations/{mine}"):
        assert (await look(still_gate, key, path)).json()["id"] == mine
        assert (await look(still_gate, other, path)).status_code == 404
    for wanted in (uuid4(), "nothing"):
        unknown = await look(still_gate, key, f"{AGENTS}/generations/{wanted}")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/files"), ("GET", "/files"), ("DELETE", "/files/f-1"),
     ("POST", "/files/f-1/complete")],
)  # fmt: skip
async def test_files_are_refused_and_charge_nothing(
    still_gate: Gateway, method: str, path: str
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    answer = await still_gate.http.request(method, AGENTS + path, headers=bearer(key))
    assert (answer.status_code, answer.json()["code"]) == (400, "not_offered")
    assert answer.json()["failure_code"] == "invalid_request"
    assert await traces(still_gate) == before
