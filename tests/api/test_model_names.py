"""Every name of a model that is listed anywhere makes a video of that model, also with the provider
before it, as routers write it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.domain.catalog.catalog import BUILT_IN
from app.domain.ids import parse_generation_id
from app.settings import Settings
from tests.api import test_create as rest
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.specs import MODELS
from tests.luma.calling import LION, ask_agents, dream
from tests.openai import asking as openai

#: Two of the operator's own: one looks like a router's name, one like one of ours.
OWN = {"house/film": "ray-v2", "openai/film": "ray-v3-reasoning", "Ray-V3": "ray-v1"}
PREFIXES = ("", "openai/", "luma/")
_WRONG = "no such model"


@pytest.fixture
async def gate(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    shipped = Settings(_env_file=None).model_aliases
    words = (*shipped, *(f"{alias}={model}" for alias, model in OWN.items()))
    async with gateway(database_url, tmp_path, worker=False, model_aliases=words) as running:
        yield running


async def _rest(gate: Gateway, key: str, model: str) -> httpx.Response:
    return await rest.create(gate, key, rest.asked(model=model))


async def _openai(gate: Gateway, key: str, model: str) -> httpx.Response:
    return await openai.create(gate, key, {"model": model})


async def _dream(gate: Gateway, key: str, model: str) -> httpx.Response:
    return await dream(gate, key, LION | {"model": model})


async def _agents(gate: Gateway, key: str, model: str) -> httpx.Response:
    return await ask_agents(gate, key, {"model": model})


WAYS = {"rest": _rest, "openai": _openai, "dream_machine": _dream, "agents": _agents}


def _allowed(refusal: dict[str, Any]) -> set[str]:
    """The names that a refusal of another one lists."""
    error = refusal.get("error", refusal)
    (issue,) = error.get("details") or error["errors"]
    assert issue["value"] == _WRONG
    return set(issue["allowed"])


async def _listed(gate: Gateway, key: str) -> dict[str, str]:
    """Every listed name, and the model that it stands for."""
    found = (await openai.get(gate, key, "models")).json()["data"]
    names: dict[str, str] = {each["id"]: each["stands_for"] for each in found}
    models = await gate.http.get("/api/v1/models", headers={"API-KEY": key})
    for each in models.json()["data"]:
        for name in (each["id"], *each["aliases"]):
            assert names[name] == each["id"]
    return names


def _prefixed(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    """(as it is sent, as it is listed). What is listed with a prefix needs no other."""
    for name in names:
        yield name, name
        if "/" not in name:
            yield from ((prefix + name, name) for prefix in PREFIXES[1:])


@pytest.mark.parametrize("way", WAYS)
async def test_a_listed_name_makes_a_video(gate: Gateway, way: str) -> None:
    key = await gate.member(max_open=1000, rate_burst=1000, credit_limit=10**9)
    names = await _listed(gate, key)
    assert names.items() >= OWN.items()
    assert set(MODELS) <= names.keys()
    refused = await WAYS[way](gate, key, _WRONG)
    assert _allowed(refused.json()) <= names.keys()
    if way != "rest":
        assert _allowed(refused.json()) == names.keys()
    for sent, name in _prefixed(names):
        if way == "rest" and names[name] not in MODELS:
            continue  # Other models require fields of their own.
        answer = await WAYS[way](gate, key, sent)
        if "image" in BUILT_IN.enabled[names[name]].form.names:
            assert "this model needs an image" in answer.text, sent
            continue
        assert answer.status_code in (200, 201, 202), (sent, answer.text)
        made = answer.json()
        generation_id = parse_generation_id(made["id"])
        assert generation_id is not None
        assert (await gate.generation(generation_id)).spec.model == names[name], sent
        if way != "rest":
            assert made["model"] == sent


async def test_the_native_names_make_a_video(gate: Gateway) -> None:
    """1min.ai's own names, and no others."""
    key = await gate.member(max_open=1000, rate_burst=1000, credit_limit=10**9)
    refused = (await gate.create(key, body(modelName=_WRONG))).json()
    (issue,) = refused["details"]
    assert issue["allowed"] == list(MODELS)
    for name in issue["allowed"]:
        assert (await gate.create(key, body(modelName=name))).status_code == 202


async def test_a_listed_name_is_found(gate: Gateway) -> None:
    """With its slash as it is, and encoded, as the SDKs send it."""
    key = await gate.member()
    names = await _listed(gate, key)
    for sent, name in _prefixed(names):
        for path in (sent, quote(sent, safe="")):
            one = await openai.get(gate, key, f"models/{path}")
            assert one.status_code == 200, (path, one.text)
            assert (one.json()["id"], one.json()["stands_for"]) == (sent, names[name])
