"""What the OpenAPI documents of Luma's dialects say is what the wires read and write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from app.dialects.luma import document as dream_machine
from app.dialects.luma_agents import document as agents
from app.http.schemas import DETAILS
from tests.harness.gateway import Gateway
from tests.luma.calling import AGENTS, DREAM_MACHINE, ask_agents, bearer, dream, look
from tests.luma.test_golden import DASHES, ERRORS, REPLIES, _name

DOCUMENTS = {"dream_machine": dream_machine, "agents": agents}
ERROR: dict[str, Any] = DETAILS[400]["content"]["application/json"]["schema"]


def _asked(dialect: str) -> dict[str, Any]:
    body = DOCUMENTS[dialect].CREATE["openapi_extra"]["requestBody"]
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    return schema


@pytest.mark.parametrize("file", REPLIES, ids=_name)
def test_a_reply_is_as_it_is_described(file: Path) -> None:
    request, *_, reply = file.read_text().split(DASHES)
    schema = DOCUMENTS[file.parent.name].GENERATION
    jsonschema.validate(json.loads(reply), schema)
    # No key that is not described.
    assert json.loads(reply).keys() <= schema["properties"].keys()
    known = _asked(file.parent.name)["properties"].keys()
    switched_off = {name for name, value in json.loads(request).items() if not value}
    assert json.loads(request).keys() - switched_off <= known


@pytest.mark.parametrize("file", ERRORS, ids=_name)
def test_a_refusal_is_as_it_is_described(file: Path) -> None:
    _, refusal = file.read_text().split(DASHES)
    jsonschema.validate(json.loads(refusal.partition("\n")[2]), ERROR)


@pytest.mark.parametrize("base", [DREAM_MACHINE, AGENTS])
async def test_the_documents_are_sound(still_gate: Gateway, base: str) -> None:
    document = (await still_gate.http.get(f"{base}/openapi.json")).json()
    validate(document)
    assert document["servers"] == [{"url": base}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"], (path, method)
            assert {"401", "408", "413", "500", "503"} <= operation["responses"].keys()


async def test_what_is_answered_is_described(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await dream(still_gate, key)
    jsonschema.validate(made.json(), dream_machine.GENERATION)
    agent = await ask_agents(still_gate, key)
    jsonschema.validate(agent.json(), agents.GENERATION)
    for path, keywords in (
        ("/generations", dream_machine.LIST), ("/credits", dream_machine.CREDITS),
        ("/ping", dream_machine.PING), ("/generations/concepts/list", dream_machine.CONCEPTS),
    ):  # fmt: skip
        answer = await look(still_gate, key, DREAM_MACHINE + path)
        schema = keywords["responses"][200]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), schema)
    refused = await still_gate.http.post(f"{AGENTS}/generations", json={}, headers=bearer(key))
    jsonschema.validate(refused.json(), ERROR)
