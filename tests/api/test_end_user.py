"""Whom a video is for: every API has a field for it and keeps it, and nobody else gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.domain.generation import State
from app.domain.ids import parse_generation_id
from app.domain.text import MAX_END_USER_CHARS
from app.worker import submissions
from tests.api import test_create as rest
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import traces
from tests.luma.calling import LION, ask_agents, dream
from tests.openai import asking as openai
from tests.upstream.loopback import serving
from tests.worker.test_records import Upstream

ALICE = "alice@customer-7 Ω"


async def _rest(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    return await rest.create(gate, key, rest.asked() | {"user": user}, **headers)


async def _openai(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    return await openai.create(gate, key, {"user": user}, **headers)


async def _form(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    sent = openai.form({"prompt": "a lion", "user": user})
    return await gate.http.post("/v1/videos", headers=openai.bearer(key, **headers), **sent)


async def _remix(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    source = await openai.created(gate, key)
    return await gate.http.post(
        f"/v1/videos/{source['id']}/remix",
        json={"prompt": "a lioness", "user": user},
        headers=openai.bearer(key, **headers),
    )


async def _agents(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    return await ask_agents(gate, key, {"user_id": user}, **headers)


async def _dream_machine(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    return await dream(gate, key, LION | {"user_id": user}, **headers)


async def _native(gate: Gateway, key: str, user: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = body() | {"async": True, "user": user}
    return await gate.http.post("/api/features", json=asked, headers={"API-KEY": key, **named})


WAYS = {
    "rest": _rest, "openai": _openai, "form": _form, "remix": _remix, "agents": _agents,
    "dream_machine": _dream_machine, "native": _native,
}  # fmt: skip
_EACH_API = ["openai", "agents", "rest", "dream_machine", "native"]


def created_id(answer: httpx.Response) -> UUID:
    assert answer.status_code in (200, 201, 202), answer.text
    made = answer.json()
    found = parse_generation_id(made["aiRecord"]["uuid"] if "aiRecord" in made else made["id"])
    assert found is not None
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_kept_and_the_rest_api_shows_it(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    made = created_id(await WAYS[way](still_gate, key, ALICE))
    assert (await rest.get(still_gate, key, str(made)))["user"] == ALICE
    longest = "x" * MAX_END_USER_CHARS
    made = created_id(await WAYS[way](still_gate, key, longest))
    assert (await still_gate.generation(made)).end_user == longest


@pytest.mark.parametrize("way", ["openai", "remix", "agents", "dream_machine"])
@pytest.mark.parametrize("nobody", [None, ""])
async def test_sdks_may_send_nothing(still_gate: Gateway, way: str, nobody: str | None) -> None:
    key = await still_gate.member()
    made = created_id(await WAYS[way](still_gate, key, nobody))
    assert (await rest.get(still_gate, key, str(made)))["user"] is None


@pytest.mark.parametrize("way", _EACH_API)
async def test_another_type_or_a_longer_one_is_refused(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    field = "user_id" if way in ("agents", "dream_machine") else "user"
    before = await traces(still_gate)
    for user, said in (
        (7, "must be a string"),
        (["alice"], "must be a string"),
        (" ", "must not be empty"),
        ("a\x00b", "must not contain NUL"),
        ("x" * (MAX_END_USER_CHARS + 1), f"must be at most {MAX_END_USER_CHARS} characters long"),
    ):
        answer = await WAYS[way](still_gate, key, user)
        assert answer.status_code in (400, 422)
        document = answer.json()
        error = document["error"] if way == "openai" else document
        (issue,) = error["details" if way in ("openai", "native") else "errors"]
        assert issue["field"] == field
        assert said in issue["message"]
        assert error["billed"] is False
        if way == "openai":
            code = "invalid_type" if said == "must be a string" else "invalid_value"
            assert (error["param"], error["code"]) == (field, code)
    assert await traces(still_gate) == before


@pytest.mark.parametrize("way", _EACH_API)
async def test_a_key_stands_for_one_user(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    first = created_id(await WAYS[way](still_gate, key, ALICE, Idempotency_Key="k"))
    assert created_id(await WAYS[way](still_gate, key, ALICE, Idempotency_Key="k")) == first
    other = await WAYS[way](still_gate, key, "bob", Idempotency_Key="k")
    assert other.status_code == 422
    assert "idempotency_mismatch" in other.text.lower()


async def test_the_upstream_never_hears_of_it(database_url: str, tmp_path: Path) -> None:
    async with (
        serving(Upstream()) as server,
        gateway(database_url, tmp_path, worker=False) as gate,
    ):
        gate.worker.upstream._base_url = server.url
        key = await gate.member()
        for way in WAYS.values():
            made = created_id(await way(gate, key, "alice-the-customer"))
            await submissions.submit(gate.worker, made)
            assert (await gate.generation(made)).state is State.RUNNING
    assert [request.method for request in server.requests] == ["POST"] * len(WAYS)
    assert "alice" not in repr(server.requests)
