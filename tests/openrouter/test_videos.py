"""OpenRouter's video API: what is asked becomes a video that is paid once, and its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.domain.catalog.pages import Kind
from app.errors import Unavailable
from tests.harness.gateway import Gateway, gateway
from tests.harness.specs import RATIOS, RESOLUTIONS
from tests.harness.traces import traces
from tests.openrouter.calling import BASE, WAVE, ask, bearer, look

ID = "06e92293-ee32-47d7-85f2-fd4b59482b91"


def _issues(answer: httpx.Response) -> dict[str, Any]:
    """Field → its issue."""
    return {each["field"]: each for each in answer.json()["error"]["metadata"]["errors"]}


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["metadata"]["code"])


async def test_a_create_answers_at_once_with_where_to_look(still_gate: Gateway) -> None:
    key = await still_gate.member()
    asked = {
        **WAVE, "duration": 10, "size": "1920x1080", "user": "reader-1", "session_id": "order 66",
        "trace": {"trace_name": "advert", "step": 3, "nested": {"a": 1}},
        "provider": {"options": {"luma": {"parameters": {"loop": True}}, "azure": {"a": 1}}},
    }  # fmt: skip
    answer = await ask(still_gate, key, asked)
    made = answer.json()
    assert answer.status_code == 202
    assert made == {"id": made["id"], "status": "pending",
                    "polling_url": f"http://127.0.0.1:8080{BASE}/videos/{made['id']}"}  # fmt: skip
    assert answer.headers["Location"] == made["polling_url"]
    kept = await still_gate.generation(UUID(made["id"]))
    assert kept.spec.to_json() == {
        "prompt": "a wave", "model": "ray-v3", "duration": "10s", "aspect_ratio": "16:9",
        "resolution": "1080p", "loop": True,
    }  # fmt: skip
    assert (kept.dialect, kept.end_user) == ("openrouter", "reader-1")
    assert kept.metadata == {"trace_name": "advert", "step": "3", "session_id": "order 66"}
    looked = (await look(still_gate, key, made["id"])).json()
    assert looked == {**made, "generation_id": made["id"]}


async def test_what_is_left_out_is_left_to_the_upstream(still_gate: Gateway) -> None:
    key = await still_gate.member()
    nulls = dict.fromkeys(("duration", "size", "resolution", "aspect_ratio", "seed", "trace",
                           "provider", "frame_images", "generate_audio", "user"))  # fmt: skip
    nothing = {"generate_audio": False, "input_references": [], "frame_images": []}
    for asked in (WAVE, {**WAVE, **nulls}, {**WAVE, **nothing}):
        made = (await ask(still_gate, key, asked)).json()
        spec = (await still_gate.generation(UUID(made["id"]))).spec.to_json()
        assert spec == {"prompt": "a wave", "model": "ray-v3", "duration": "5s"}


@pytest.mark.parametrize("value", [0, 1, True])
async def test_a_seed_is_refused_even_if_it_is_0(still_gate: Gateway, value: object) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    answer = await ask(still_gate, key, {**WAVE, "seed": value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["metadata"]["code"]) == (
        400,
        400,
        "not_offered",
    )
    assert _issues(answer)["seed"]["value"] == value
    assert await traces(still_gate) == before


async def test_every_wrong_field_is_named_with_its_value_and_the_allowed_ones(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    frame = {"type": "image_url", "image_url": {"url": "https://a.example/a.png"},
             "frame_type": "middle_frame"}  # fmt: skip
    answer = await ask(
        still_gate, key,
        {"model": "google/veo-3.1", "prompt": "", "duration": 4, "resolution": "480p",
         "aspect_ratio": "2:3", "size": "1x1", "frame_images": [frame], "generate_audio": True,
         "provider": {"options": {"luma": {"parameters": {"style": "noir"}}}}, "n": 2},
    )  # fmt: skip
    found = _issues(answer)
    assert answer.status_code == 400
    assert {name: each.get("value") for name, each in found.items()} == {
        "n": 2, "frame_images.0.frame_type": "middle_frame", "generate_audio": True, "prompt": "",
        "model": "google/veo-3.1", "duration": 4, "resolution": "480p", "aspect_ratio": "2:3",
        "size": "1x1", "provider.options.luma.parameters.style": "noir",
    }  # fmt: skip
    assert found["duration"]["allowed"] == [5, 10]
    assert found["resolution"]["allowed"] == ["720p", "1080p"]
    assert "9:21" in found["aspect_ratio"]["allowed"]
    assert len(found["size"]["allowed"]) == len(RATIOS) * len(RESOLUTIONS)
    assert "ray-v3" in found["model"]["allowed"]
    assert found["provider.options.luma.parameters.style"]["allowed"] == ["loop"]
    assert (await traces(still_gate)).generations == 0


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"size": "1280x720", "aspect_ratio": "9:16"}, "aspect_ratio"),
        ({"size": "1280x720", "resolution": "1080p"}, "resolution"),
        ({"duration": "5"}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": 10**30}, "duration"),
        ({"duration": -5}, "duration"),
        ({"trace": "x"}, "trace"),
        ({"session_id": 1}, "session_id"),
        ({"provider": []}, "provider"),
        ({"provider": {"order": ["luma"]}}, "provider.order"),
        ({"provider": {"options": {"luma": {"loop": True}}}}, "provider.options.luma.loop"),
        ({"callback_url": "http://a.example"}, "callback_url"),
        ({"model": None}, "model"),
        ({"previous_job_id": ID}, "previous_job_id"),
    ],
)
async def test_what_cannot_be_made_so_is_refused(
    still_gate: Gateway, asked: dict[str, Any], field: str
) -> None:
    key = await still_gate.member()
    answer = await ask(still_gate, key, {**WAVE, **asked})
    assert (answer.status_code, list(_issues(answer))) == (400, [field])
    assert answer.json()["error"]["metadata"]["billed"] is False
    assert (await traces(still_gate)).generations == 0


async def test_tags_that_are_too_long_or_too_many_are_accepted_and_not_kept(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    trace = {"long": "x" * 600, "": "no name", **{f"key {n}": "v" for n in range(30)}}
    made = (await ask(still_gate, key, {**WAVE, "trace": trace})).json()
    kept = (await still_gate.generation(UUID(made["id"]))).metadata
    assert kept == {f"key {n}": "v" for n in range(16)}


async def test_a_made_video_has_links_that_need_no_key(gate: Gateway) -> None:
    key = await gate.member()
    made = (await ask(gate, key)).json()
    await gate.archived(made["id"])
    video = (await look(gate, key, made["id"])).json()
    assert (video["status"], video["unsigned_urls"]) == ("completed", video["urls"])
    assert video["usage"] == {"is_byok": False, "credits": 150_000}
    link = httpx.URL(video["unsigned_urls"][0])
    assert int(link.params["expires"]) == video["expires_at"]
    bare = await gate.http.get(link.raw_path.decode())
    assert (bare.status_code, bare.headers["content-type"]) == (200, "video/mp4")
    content = f"{BASE}/videos/{made['id']}/content"
    whole = await gate.http.get(f"{content}?index=0", headers=bearer(key))
    assert whole.content == bare.content
    part = await gate.http.get(content, headers=bearer(key, Range="bytes=0-9"))
    assert (part.status_code, part.content) == (206, whole.content[:10])
    other = await gate.http.get(f"{content}?index=1", headers=bearer(key))
    assert (other.status_code, other.json()["error"]["code"]) == (404, 404)
    stranger = await gate.member("bob")
    for path in (f"{BASE}/videos/{made['id']}", content):
        refused = await gate.http.get(path, headers=bearer(stranger))
        assert (refused.status_code, refused.json()["error"]["metadata"]["code"]) == (
            404,
            "not_found",
        )
    deleted = await gate.http.delete(f"/api/v1/generations/{made['id']}", headers=bearer(key))
    assert deleted.is_success
    gone = (await look(gate, key, made["id"])).json()
    assert (gone["status"], "urls" in gone) == ("expired", False)
    assert gone["error"] == "The video is no longer available."


async def test_a_download_before_there_is_a_video_is_409(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = (await ask(still_gate, key)).json()
    answer = await still_gate.http.get(f"{BASE}/videos/{made['id']}/content", headers=bearer(key))
    assert (answer.status_code, _code(answer)) == (409, "not_ready")


async def test_costs_are_in_dollars_where_credits_are_priced_in_these(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, money_per_1000_credits="0.001 USD") as gate:
        key = await gate.member()
        made = (await ask(gate, key)).json()
        await gate.closed(made["id"])
        video = (await look(gate, key, made["id"])).json()
        assert video["usage"] == {"cost": 0.15, "is_byok": False, "credits": 150_000}


async def test_the_models_say_what_they_offer(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await still_gate.http.get(f"{BASE}/videos/models", headers=bearer(key))
    models = {each["id"]: each for each in answer.json()["data"]}
    assert answer.status_code == 200
    assert {"luma/ray-v3", "luma/ray-v1", "ray-3"} < set(models)
    assert models["ray-3"]["canonical_slug"] == "luma/ray-v3"
    model = models["luma/ray-v3"]
    assert model["supported_durations"] == [5, 10]
    assert model["supported_resolutions"] == ["720p", "1080p"]
    assert "9:21" in model["supported_aspect_ratios"]
    assert model["supported_frame_images"] == ["first_frame"]
    assert (model["seed"], model["generate_audio"]) == (False, False)
    assert model["allowed_passthrough_parameters"] == ["loop"]
    assert model["pricing_skus"]["credits_5s_720p"] == "150000"
    assert models["kling/kling-2.5"]["supported_sizes"] == []
    assert models["pika/pika-2.2"]["seed"] is True
    assert models["pika/pika-2.2"]["allowed_passthrough_parameters"] == ["negative_prompt"]
    assert models["hailuo/hailuo-02"]["allowed_passthrough_parameters"] == ["expand_prompt"]
    for name, each in models.items():
        said = {
            "prompt", *each["allowed_passthrough_parameters"],
            *(["duration"] if each["supported_durations"] else []),
            *(["resolution"] if each["supported_resolutions"] else []),
            *(["aspect_ratio"] if each["supported_aspect_ratios"] else []),
            *(option for option in ("seed", "generate_audio") if each[option]),
        }  # fmt: skip
        model = still_gate.rt.catalog.models[each["canonical_slug"].rpartition("/")[2]]
        images = [field.name for field in model.fields if field.kind in (Kind.ASSET, Kind.ASSETS)]
        assert said == {*model.form.names} - {*images}, name
    busy = await still_gate.member("bob", rate_burst=500, max_open=500, credit_limit=10**9)
    for name, offered in models.items():
        if name.endswith("-image"):
            needs = await ask(still_gate, busy, {"model": name, "prompt": name, "duration": 5})
            assert "needs an image" in needs.text
            continue
        for duration in offered["supported_durations"]:
            asked = {"model": name, "prompt": f"{name} {duration}", "duration": duration}
            answer = await ask(still_gate, busy, asked)
            if offered["pricing_skus"]:
                assert answer.status_code == 202, answer.text
            else:
                assert (answer.status_code, _code(answer)) == (400, "price_unknown"), answer.text
    sized = await ask(still_gate, busy, {**WAVE, "model": "kling/kling-2.5", "size": "1280x720"})
    assert (sized.status_code, list(_issues(sized))) == (400, ["size"])


async def test_limits_say_when_to_come_back(still_gate: Gateway) -> None:
    key = await still_gate.member(rate_burst=1, rate_per_minute=1)
    assert (await ask(still_gate, key)).status_code == 202
    other = {**WAVE, "prompt": "another wave"}
    answer = await ask(still_gate, key, other)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 429)
    assert answer.json()["error"]["metadata"]["limit"] == "rate_per_minute"
    assert int(answer.headers["Retry-After"]) >= 1
    poor = await still_gate.member("bob", credit_limit=100_000)
    answer = await ask(still_gate, poor)
    assert (answer.status_code, answer.json()["error"]["metadata"]["billed"]) == (402, False)


async def test_after_the_commit_the_answer_is_202_whatever_fails(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDKs would send it again after a 5xx, for an hour."""
    key = await still_gate.member()

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("canary-of-a-fault")

    monkeypatch.setattr("app.dialects.openrouter.routes.look_again", fails)
    answer = await ask(still_gate, key)
    made = answer.json()
    assert (answer.status_code, made["status"]) == (202, "pending")
    assert made["polling_url"].endswith(made["id"])
    monkeypatch.undo()
    assert (await look(still_gate, key, made["id"])).status_code == 200
    assert (await traces(still_gate)).generations == 1


async def test_before_the_commit_an_outage_is_503(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    def away(*_: Any) -> None:
        raise Unavailable(retry_after_seconds=7)

    monkeypatch.setattr(still_gate.rt.prices.__class__, "quote", away)
    answer = await ask(still_gate, key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["error"]["metadata"]["retry_safe"] is True
    assert (await traces(still_gate)).generations == 0
