"""Creating: what is asked, in both ways the SDKs send it, becomes a Spec that is paid once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.domain.catalog.spec import Spec
from app.domain.generation import State
from app.domain.ids import parse_generation_id
from app.errors import Unavailable
from app.http.bodies import MAX_BODY_BYTES
from tests.generations.test_round_trips import followed
from tests.harness.gateway import PROMPT, Gateway, gateway
from tests.harness.pictures import picture
from tests.harness.traces import traces
from tests.openai.asking import bearer, create, created, form, get, refusal


async def spec_of(gate: Gateway, video: dict[str, Any]) -> Spec:
    generation_id = parse_generation_id(video["id"])
    assert generation_id is not None
    return (await gate.generation(generation_id)).spec


async def test_a_video_is_queued_with_openais_defaults(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await create(still_gate, key)
    video = answer.json()
    assert answer.status_code == 200
    assert video == {
        "id": video["id"], "object": "video", "model": "sora-2", "status": "queued", "progress": 0,
        "created_at": video["created_at"], "completed_at": None, "expires_at": None,
        "prompt": PROMPT, "seconds": "5", "size": "720x1280", "remixed_from_video_id": None,
        "error": None, "metadata": {},
    }  # fmt: skip
    assert video["id"].startswith("video_")
    assert len(video["id"]) == 38
    assert type(video["created_at"]) is int
    assert "Reelgate-Adjusted" not in answer.headers
    assert answer.headers["RateLimit"]
    assert (await spec_of(still_gate, video)).to_json() == {
        "prompt": PROMPT, "model": "ray-v3", "duration": "5s", "aspect_ratio": "9:16",
        "resolution": "720p",
    }  # fmt: skip
    generation_id = parse_generation_id(video["id"])
    assert generation_id is not None
    assert (await still_gate.generation(generation_id)).dialect == "openai"


@pytest.mark.parametrize("way", ["json", "form"])
async def test_both_ways_of_sending_mean_the_same(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    fields: dict[str, Any] = {
        "prompt": "Ω wave", "model": "ray-2", "seconds": "8", "size": "1792x1024", "loop": "true",
    }  # fmt: skip
    sent: dict[str, Any] = form(fields)
    if way == "json":
        sent = {"json": {**fields, "seconds": 8, "loop": True}}
    answer = await still_gate.http.post("/v1/videos", headers=bearer(key), **sent)
    video = answer.json()
    assert answer.status_code == 200, answer.text
    assert answer.headers["Reelgate-Adjusted"] == "seconds=8->10, size=1792x1024->1920x1080"
    assert (video["model"], video["seconds"], video["size"]) == ("ray-2", "10", "1920x1080")
    assert (await spec_of(still_gate, video)).to_json() == {
        "prompt": "Ω wave", "model": "ray-v2", "duration": "10s", "aspect_ratio": "16:9",
        "resolution": "1080p", "loop": True,
    }  # fmt: skip


async def test_a_prompt_of_several_lines_is_the_same_in_a_form(still_gate: Gateway) -> None:
    """Node's forms end lines with CR and LF, whatever its user wrote."""
    key = await still_gate.member()
    headers = bearer(key, Idempotency_Key="lines")
    sent = await still_gate.http.post("/v1/videos", headers=headers, **form({"prompt": "a\r\nb"}))
    assert sent.json()["prompt"] == "a\nb"
    again = await create(still_gate, key, {"prompt": "a\nb"}, Idempotency_Key="lines")
    assert again.json()["id"] == sent.json()["id"]


async def test_strict_refuses_what_is_not_made(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, worker=False, unoffered_values="strict") as gate:
        key = await gate.member()
        before = await traces(gate)
        for field, value, code in (
            ("seconds", "4", "unsupported_duration"),
            ("size", "1024x1792", "unsupported_size"),
            ("resolution", "540p", "invalid_value"),
        ):
            error = refusal(await create(gate, key, {field: value}), 400, code)
            assert error["param"] == field
            assert value in error["message"]
        assert await traces(gate) == before
        await created(gate, key, {"seconds": "10", "size": "1280x720"})


async def test_a_video_is_made_and_fetched(gate: Gateway) -> None:
    key = await gate.member()
    video = await created(gate, key, {"size": "1280x720"})
    generation_id = parse_generation_id(video["id"])
    await gate.archived(str(generation_id))
    done = (await get(gate, key, f"videos/{video['id']}")).json()
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert done["size"] == "1280x720"
    assert done["completed_at"] >= done["created_at"]
    content = await get(gate, key, f"videos/{video['id']}/content")
    assert content.headers["Content-Type"] == "video/mp4"
    assert content.content[4:8] == b"ftyp"


async def test_a_wait_is_only_where_it_is_asked_for(gate: Gateway) -> None:
    key = await gate.member()
    waited = await create(gate, key, {}, Prefer="wait=500")
    assert waited.json()["status"] == "completed"
    assert waited.headers["Preference-Applied"] == "wait=500"
    short = await create(gate, key, {}, Prefer="wait=20", x_stainless_read_timeout="5.0")
    assert short.json()["status"] in ("queued", "in_progress")
    assert short.headers["Preference-Applied"] == "wait=0"


async def test_a_create_takes_one_trip_to_the_database(database_url: str, tmp_path: Path) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            sdk = {"x_stainless_retry_count": "0"}
            for _ in range(8):
                assert (await create(gate, key, {}, **sdk)).status_code == 200
            before = wire.trips()
            assert (await create(gate, key, {}, **sdk)).status_code == 200
            assert wire.trips() - before == 1


async def test_a_key_replays_and_another_body_under_it_is_refused(still_gate: Gateway) -> None:
    key = await still_gate.member()
    first = await create(still_gate, key, {}, Idempotency_Key="order-1")
    before = await traces(still_gate)
    again = await create(still_gate, key, {"seconds": 5}, Idempotency_Key="order-1")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await create(still_gate, key, {"seconds": 10}, Idempotency_Key="order-1")
    error = refusal(other, 422, "idempotency_mismatch")
    assert error["param"] == "Idempotency-Key"
    assert await traces(still_gate) == before


async def test_a_key_in_the_body_is_one_in_the_header(still_gate: Gateway) -> None:
    """LiteLLM's proxy passes on fields, sends a create again without a mark, and drops headers."""
    key, order = await still_gate.member(), {"idempotency_key": "order-1"}
    first = await create(still_gate, key, order)
    asked = form({"prompt": PROMPT, **order})
    again = [
        await create(still_gate, key, order),
        await create(still_gate, key, {}, Idempotency_Key='"order-1"'),
        await create(still_gate, key, order, Idempotency_Key="order-1"),
        await still_gate.http.post("/v1/videos", headers=bearer(key), **asked),
    ]
    for answer in again:
        assert answer.json() == first.json()
        assert answer.headers["Idempotent-Replayed"] == "true"
    refusal(await create(still_gate, key, order | {"seconds": 10}), 422, "idempotency_mismatch")
    path = f"/v1/videos/{first.json()['id']}/remix"
    remixes = [
        await still_gate.http.post(
            path, headers=bearer(key), json={"prompt": "at night", "idempotency_key": "order-2"}
        )
        for _ in range(2)
    ]
    assert remixes[0].json() == remixes[1].json()
    assert remixes[0].json()["id"] != first.json()["id"]
    before = await traces(still_gate)
    for wrong in ("", "x" * 256, "a\nb", "é", 7, True, ["x"], {"a": "b"}):
        error = refusal(await create(still_gate, key, {"idempotency_key": wrong}), 400,
                        "invalid_value")  # fmt: skip
        assert error["param"] == "idempotency_key"
    refused = await create(still_gate, key, order, Idempotency_Key="order-3")
    error = refusal(refused, 400, "invalid_value")
    assert (error["param"], "differs" in error["message"]) == ("idempotency_key", True)
    assert await traces(still_gate) == before
    # Null is no key.
    assert (await create(still_gate, key, {"idempotency_key": None})).json() != first.json()


async def test_an_sdks_second_try_is_the_same_video_whatever_its_boundary(
    still_gate: Gateway,
) -> None:
    key, made = await still_gate.member(), []
    for count in ("0", "1", "2", "0"):
        answer = await still_gate.http.post(
            "/v1/videos",
            headers=bearer(key, x_stainless_retry_count=count),
            **form({"prompt": PROMPT, "seconds": "5"}),
        )
        made.append(answer.json()["id"])
    assert made[0] == made[1] == made[2]
    assert made[3] != made[0]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "missing_required_parameter", "prompt"),
    ({"prompt": " "}, "invalid_value", "prompt"),
    ({"prompt": 7}, "invalid_type", "prompt"),
    ({"model": "sora-1"}, "unsupported_model", "model"),
    ({"model": 3}, "unsupported_model", "model"),
    ({"seconds": "12"}, "unsupported_duration", "seconds"),
    ({"seconds": True}, "unsupported_duration", "seconds"),
    ({"seconds": [5]}, "unsupported_duration", "seconds"),
    ({"seconds": 10**400}, "unsupported_duration", "seconds"),
    ({"size": "640x480"}, "unsupported_size", "size"),
    ({"size": 720}, "unsupported_size", "size"),
    ({"size": "1280x720", "aspect_ratio": "9:16"}, "invalid_value", "aspect_ratio"),
    ({"size": "1280x720", "resolution": "1080p"}, "invalid_value", "resolution"),
    ({"aspect_ratio": "16:10"}, "invalid_value", "aspect_ratio"),
    ({"resolution": "4k"}, "invalid_value", "resolution"),
    ({"loop": "yes"}, "invalid_type", "loop"),
    ({"quality": "high"}, "unknown_parameter", "quality"),
    ({"callback_url": "http://203.0.113.7/"}, "invalid_value", "callback_url"),
    ({"callback_url": 5}, "invalid_type", "callback_url"),
    (
        {"input_reference": {"image_url": "https://127.0.0.1/i.png"}},
        "invalid_value",
        "input_reference",
    ),
    ({"input_reference": {"file_id": "file_1"}}, "invalid_value", "input_reference"),
    ({"input_reference": 5}, "invalid_type", "input_reference"),
    ({"characters": [{"id": "char_1"}]}, "not_offered", "characters"),
    ({"video": {"id": "video_1"}}, "not_offered", "video"),
]


async def test_what_is_wrong_is_named_and_costs_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for fields, code, param in WRONG:
        error = refusal(await create(still_gate, key, fields), 400, code)
        assert (error["type"], error["param"]) == ("invalid_request_error", param), fields
        assert param in error["message"]
        assert error["retry_safe"] is True
    assert await traces(still_gate) == before


async def test_options_that_are_no_sdks_own(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for fields, size in (
        ({"aspect_ratio": "21:9"}, "1680x720"),
        ({"resolution": "1080p"}, "1080x1920"),
        ({"size": "4:3", "resolution": "1080p"}, "1440x1080"),
        ({"size": "16:9"}, "1280x720"),
        ({"size": "1280x720", "aspect_ratio": "16:9", "resolution": "720p"}, "1280x720"),
        ({"size": None, "seconds": None, "loop": None, "model": None}, "720x1280"),
    ):
        assert (await created(still_gate, key, fields))["size"] == size


async def test_files_that_are_no_images_are_refused_by_their_name(still_gate: Gateway) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    large = b"\0" * (2 * MAX_BODY_BYTES)
    sent: tuple[dict[str, Any], ...] = (
        {"prompt": (None, PROMPT), "input_reference": ("cat.png", b"png", "image/png")},
        {"prompt": (None, PROMPT), "input_reference": ("upload", large)},
        {"prompt": (None, PROMPT), "input_reference[image_url]": (None, "https://127.0.0.1/x")},
    )
    for parts in sent:
        answer = await still_gate.http.post("/v1/videos", headers=bearer(key), files=parts)
        error = refusal(answer, 400, "invalid_value")
        assert (error["param"], error["billed"]) == ("input_reference", False)
    other: dict[str, Any] = {"prompt": (None, PROMPT), "video": ("cat.mp4", b"film", "video/mp4")}
    answer = await still_gate.http.post("/v1/videos", headers=bearer(key), files=other)
    assert refusal(answer, 400, "not_offered")["param"] == "video"
    assert await traces(still_gate) == before


async def test_a_file_is_what_the_video_begins_with(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for name in ("input_reference", "image"):
        parts: dict[str, Any] = {
            "prompt": (None, f"{PROMPT} {name}"), name: ("cat.png", picture()),
        }  # fmt: skip
        answer = await still_gate.http.post("/v1/videos", headers=bearer(key), files=parts)
        assert answer.status_code == 200, answer.text
        generation = await still_gate.generation(UUID(answer.json()["id"][6:]))
        assert (generation.feature, generation.spec.model) == ("IMAGE_TO_VIDEO", "ray-v3-image")
        assert [use.field for use in generation.inputs] == ["image"]


@pytest.mark.parametrize(
    ("method", "path", "param"),
    [
        ("POST", "videos/edits", "video"),
        ("POST", "videos/extensions", "video"),
        ("POST", "videos/characters", "video"),
        ("GET", "videos/characters/char_1", "character_id"),
    ],
)
async def test_what_the_upstream_cannot_do_is_refused_after_the_key(
    still_gate: Gateway, method: str, path: str, param: str
) -> None:
    key = await still_gate.member()
    stranger = await still_gate.http.request(method, f"/v1/{path}", headers=bearer("rg_nobody"))
    refusal(stranger, 401, "invalid_api_key")
    answer = await still_gate.http.request(method, f"/v1/{path}", headers=bearer(key))
    assert refusal(answer, 400, "not_offered")["param"] == param


async def test_a_remix_is_a_new_video_with_the_same_settings(still_gate: Gateway) -> None:
    key = await still_gate.member()
    source = await created(
        still_gate, key, {"model": "ray-2", "seconds": 10, "size": "1920x1080", "loop": True}
    )
    path = f"/v1/videos/{source['id']}/remix"
    for sent in ({"json": {"prompt": "at night"}}, form({"prompt": "at night"})):
        answer = await still_gate.http.post(path, headers=bearer(key), **sent)
        assert answer.status_code == 200, answer.text
        video = answer.json()
        assert video["id"] != source["id"]
        assert video["remixed_from_video_id"] == source["id"]
        assert (video["prompt"], video["model"]) == ("at night", "ray-2")
        spec = await spec_of(still_gate, video)
        like = await spec_of(still_gate, source)
        assert {**spec.to_json(), "prompt": PROMPT} == like.to_json()
    wrong = await still_gate.http.post(path, headers=bearer(key), json={"seconds": 5})
    refusal(wrong, 400, "unknown_parameter")
    other = await still_gate.member("bob")
    unseen = await still_gate.http.post(path, headers=bearer(other), json={"prompt": "x"})
    refusal(unseen, 404, "not_found")


async def test_a_remix_of_a_native_generation_keeps_what_was_left_open(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    native = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    answer = await still_gate.http.post(
        f"/v1/videos/{native}/remix", headers=bearer(key), json={"prompt": "at night"}
    )
    assert answer.json()["remixed_from_video_id"] == f"video_{UUID(native).hex}"
    assert answer.json()["model"] == "ray-v3"


async def test_a_queued_video_can_be_deleted_and_gives_its_credits_back(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    video = await created(still_gate, key)
    path = f"/v1/videos/{video['id']}"
    gone = await still_gate.http.delete(path, headers=bearer(key))
    assert gone.status_code == 200
    assert gone.json() == {"id": video["id"], "object": "video.deleted", "deleted": True}
    after = (await get(still_gate, key, f"videos/{video['id']}")).json()
    assert (after["status"], after["error"]["code"]) == ("failed", "canceled")
    assert (after["progress"], after["error"]["billed"]) == (0, False)
    me = await still_gate.http.get("/api/v1/me", headers=bearer(key))
    assert me.json()["credits"]["binding"]["used_credits"] == 0
    generation_id = parse_generation_id(video["id"])
    assert generation_id is not None
    assert (await still_gate.generation(generation_id)).state is State.CANCELED
    assert (await still_gate.http.delete(path, headers=bearer(key))).json() == gone.json()


async def test_no_figure_that_cannot_be_read_hides_what_is_accepted(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()
    video = (await create(still_gate, key, Idempotency_Key="k")).json()
    async with still_gate.rt.db.single() as tx:
        await tx.execute(text("UPDATE generations SET state = 'running', upstream_id = 'u'"))

    async def away(*_: object) -> None:
        raise Unavailable("The gateway cannot reach its database right now.")

    monkeypatch.setattr("app.db.durations.history_of", away)
    again = await create(still_gate, key, Idempotency_Key="k")
    assert again.status_code == 200, again.text
    assert (again.json()["id"], again.json()["status"]) == (video["id"], "in_progress")
