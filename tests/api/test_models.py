"""The list of models has all that a form for any of them needs."""

from __future__ import annotations

from typing import Any

from app.domain.text import MAX_PROMPT_CHARS
from tests.harness.gateway import Gateway


async def _models(gate: Gateway) -> dict[str, Any]:
    headers = {"API-KEY": await gate.member()}
    listed = (await gate.http.get("/api/v1/models", headers=headers)).json()["data"]
    return {model["id"]: model for model in listed}


def _option(model: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [option for option in model["options"] if option["name"] == name]
    return dict(found)


async def test_a_text_says_how_long_it_may_be(still_gate: Gateway) -> None:
    models = await _models(still_gate)
    assert _option(models["ray-v3"], "prompt")["maximum"] == MAX_PROMPT_CHARS
    assert _option(models["hailuo-02"], "prompt")["maximum"] == 2000


async def test_an_image_says_what_is_demanded_of_it(still_gate: Gateway) -> None:
    models = await _models(still_gate)
    most = still_gate.rt.settings.max_input_bytes
    assert _option(models["ray-v3-image"], "image")["image"] == {
        "content_types": ["image/png", "image/jpeg", "image/webp"], "max_bytes": most,
        "min_side": None, "max_side": None, "min_ratio": None, "max_ratio": None,
    }  # fmt: skip
    assert _option(models["hailuo-02-image"], "image")["image"] == {
        "content_types": ["image/jpeg", "image/png"], "max_bytes": min(most, 10_000_000),
        "min_side": 300, "max_side": 4096, "min_ratio": 0.4, "max_ratio": 2.5,
    }  # fmt: skip
    assert _option(models["ray-v3-image"], "prompt")["image"] is None


async def test_what_other_apis_fill_in_is_listed(still_gate: Gateway) -> None:
    models = await _models(still_gate)
    assert models["kling-2.5"]["defaults"] == {"mode": "pro"}
    assert models["ray-v3"]["defaults"] == {}
    assert models["ray-v3"]["native_fixed"] == {"modelName": "ray-v3"}


async def test_a_rule_says_when_it_is_broken(still_gate: Gateway) -> None:
    rules = (await _models(still_gate))["ray-v3"]["rules"]
    assert rules[0] == {
        "when": {"duration": ["10s"], "resolution": ["1080p"]}, "field": "resolution",
        "reason": "the provider makes 10s only at 720p", "source": "inferred", "flagged": True,
    }  # fmt: skip
    assert {"aspect_ratio": [None]} in [rule["when"] for rule in rules]
