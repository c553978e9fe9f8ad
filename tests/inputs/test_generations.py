"""Videos that begin with an image, through the native API and the own REST."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.caller import Role
from app.domain.catalog.pages import Kind
from app.domain.generation import State
from app.domain.inputs import InputRule
from app.inputs import deletion
from app.worker import retention
from tests.harness.gateway import Gateway, gateway
from tests.harness.pictures import picture
from tests.harness.traces import execute, one, traces
from tests.inputs.calling import call, image_body, image_request, made_of, uploaded
from tests.inputs.test_fetching import pictures, server_of
from tests.inputs.test_uploads import archive


async def test_the_upstreams_own_way(gate: Gateway) -> None:
    key = await gate.member()
    answer = await gate.http.post(
        "/api/assets", headers={"API-KEY": key}, files={"asset": ("lion.png", picture())}
    )
    path = answer.json()["fileContent"]["path"]
    answer = await gate.create(key, image_body(path))
    assert answer.status_code == 202, answer.text
    record = answer.json()["aiRecord"]
    assert record["type"] == "IMAGE_TO_VIDEO"
    assert record["aiRecordDetail"]["promptObject"]["imageUrl"] == path
    generation = await gate.archived(record["uuid"])
    assert generation.state is State.SUCCEEDED
    summary = await gate.simulator.summary()
    assert summary["outcomes"]["assets"] == {"stored": 1}
    assert summary["records"] == 1


async def test_the_own_way_shows_its_inputs(gate: Gateway) -> None:
    key = await gate.member()
    document = await uploaded(gate, key)
    made = await made_of(gate, key, document["id"])
    await gate.archived(made)
    shown = (await gate.http.get(f"/api/v1/generations/{made}", headers={"API-KEY": key})).json()
    assert shown["feature"] == "IMAGE_TO_VIDEO"
    assert shown["spec"]["image"] == document["id"]
    assert shown["inputs"] == [
        {"field": "image", "input_id": document["id"]}
        | {n: document[n] for n in ("sha256", "content_type", "size_bytes", "width", "height")}
    ]
    listed = await gate.http.get("/api/v1/generations", headers={"API-KEY": key})
    assert listed.json()["data"][0]["inputs"] == shown["inputs"]


async def test_a_url_is_fetched_once_and_nothing_of_it_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with pictures(database_url, tmp_path) as gate:
        key = await gate.member()
        url = f"{server_of(gate).url}/lion.jpg?signature=canary"
        first = await made_of(gate, key, url)
        answer = await gate.http.get(f"/api/v1/generations/{first}", headers={"API-KEY": key})
        assert "canary" not in answer.text
        assert UUID(answer.json()["spec"]["image"]) == UUID(answer.json()["inputs"][0]["input_id"])
        again = await gate.create(key, image_body(url))
        assert "canary" not in again.text
        row = await one(gate, "SELECT string_agg(to_jsonb(g)::text, '') AS all FROM generations g")
        assert "canary" not in row["all"]


async def test_the_same_request_is_the_same_whatever_the_image_is_called(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    document = await uploaded(still_gate, key)
    headers = {"API-KEY": key, "Idempotency-Key": "once"}
    path = "/api/v1/generations"
    first = await still_gate.http.post(path, headers=headers, json=image_request(document["id"]))
    assert first.status_code == 202, first.text
    named = f"images/{document['id']}.png"
    second = await still_gate.http.post(path, headers=headers, json=image_request(named))
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = await uploaded(still_gate, key, picture("JPEG"))
    third = await still_gate.http.post(path, headers=headers, json=image_request(other["id"]))
    assert third.json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("3a4c3b22-9cfa-41c1-9bc4-060927ddebde", "no such image"),
        ("images/9045583f-8d9f-4ae8-836c-57bb2a6403fc.png", "no such image"),
        ("lion.png", "must be the id of an input"),
        ("https://127.0.0.1/lion.png", "is not fetched"),
        ("", "must not be empty"),
        (5, "must be a string"),
    ],
)
async def test_what_is_no_image_of_the_caller_is_refused_with_its_field(
    still_gate: Gateway, image: Any, message: str
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    native = await still_gate.create(key, image_body(image))
    assert native.status_code == 422, native.text
    assert native.json()["errorCode"] == "PROMPT_OBJECT_VALIDATION_FAILED"
    [issue] = native.json()["details"]
    assert (issue["field"], native.json()["billed"]) == ("promptObject.imageUrl", False)
    assert message in issue["message"]
    own = await still_gate.http.post(
        "/api/v1/generations", headers={"API-KEY": key}, json=image_request(image)
    )
    assert own.status_code == 422, own.text
    assert own.json()["errors"][0]["field"] == "image"
    assert await traces(still_gate) == before


async def test_an_image_is_required_and_is_its_owners(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    lead = await still_gate.member("lead", role=Role.ADMIN)
    request = image_body("x")
    del request["promptObject"]["imageUrl"]
    answer = await still_gate.create(ada, request)
    assert answer.json()["errorCode"] == "MISSING_REQUIRED_FIELDS"
    document = await uploaded(still_gate, ada)
    refused = await still_gate.create(bob, image_body(document["id"]))
    assert refused.status_code == 422
    await made_of(still_gate, lead, document["id"])


async def test_an_input_is_kept_as_long_as_its_generations(gate: Gateway) -> None:
    key = await gate.member()
    document = await uploaded(gate, key)
    first = await made_of(gate, key, document["id"], prompt="one")
    second = await made_of(gate, key, document["id"], prompt="two")
    await asyncio.gather(gate.archived(first), gate.archived(second))
    await execute(gate, "UPDATE inputs SET expires_at = now() - interval '1 day'")
    await retention.one_round(gate.worker)
    one_of_them = f"/{document['id']}"
    headers = {"API-KEY": key}
    for generation, status in ((first, 200), (second, 404)):
        answer = await gate.http.delete(f"/api/v1/generations/{generation}", headers=headers)
        assert answer.status_code == 204
        assert (await call(gate, key, "GET", one_of_them)).status_code == status
    assert archive(gate) == []
    # The record says what it was made of.
    shown = await gate.http.get(f"/api/v1/generations/{first}", headers=headers)
    assert shown.json()["inputs"][0]["sha256"] == document["sha256"]


async def test_an_input_goes_with_its_teams_retention(gate: Gateway) -> None:
    key = await gate.member()
    document = await uploaded(gate, key)
    made = await made_of(gate, key, document["id"])
    await gate.archived(made)
    await execute(gate, "UPDATE teams SET retention_days = 3")
    await retention.one_round(gate.worker)
    assert len(archive(gate)) == 2
    await execute(gate, "UPDATE generations SET finished_at = now() - interval '4 days'")
    await execute(gate, "UPDATE assets SET archived_at = now() - interval '4 days'")
    await retention.one_round(gate.worker)
    assert archive(gate) == []
    assert (await call(gate, key, "GET", f"/{document['id']}")).status_code == 404


async def test_what_has_to_be_sent_yet_keeps_its_input(still_gate: Gateway) -> None:
    key = await still_gate.member()
    document = await uploaded(still_gate, key)
    made = await made_of(still_gate, key, document["id"])
    refused = await call(still_gate, key, "DELETE", f"/{document['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_ready")
    await still_gate.http.post(f"/api/v1/generations/{made}/cancel", headers={"API-KEY": key})
    assert (await call(still_gate, key, "DELETE", f"/{document['id']}")).status_code == 204
    # It cannot be made again then.
    answer = await still_gate.http.post(
        f"/api/v1/generations/{made}/retry", headers={"API-KEY": key}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "image"


async def test_a_failed_one_is_made_again_of_the_same_image(gate: Gateway) -> None:
    key = await gate.member()
    document = await uploaded(gate, key)
    await gate.simulator.fault("validation")
    made = await made_of(gate, key, document["id"])
    assert (await gate.closed(made)).state is State.FAILED
    answer = await gate.http.post(f"/api/v1/generations/{made}/retry", headers={"API-KEY": key})
    assert answer.status_code == 202, answer.text
    again = await gate.archived(answer.json()["id"])
    assert str(again.inputs[0].input_id) == document["id"]


async def test_a_create_and_a_deletion_at_once_end_with_one_of_them(
    database_url: str, tmp_path: Path
) -> None:
    """However they meet: never a generation whose image is gone."""
    async with gateway(database_url, tmp_path, worker=False) as gate:
        key = await gate.member(max_open=100, rate_burst=200)
        for number in range(12):
            document = await uploaded(gate, key, picture(colour=(number, 0, 0)))
            create, delete = await asyncio.gather(
                gate.http.post(
                    "/api/v1/generations", headers={"API-KEY": key},
                    json=image_request(document["id"]),
                ),
                call(gate, key, "DELETE", f"/{document['id']}"),
            )  # fmt: skip
            assert (create.status_code, delete.status_code) in ((202, 409), (422, 204))


async def test_an_expired_input_that_is_used_at_once_is_not_deleted(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=100, rate_burst=200)
    for number in range(8):
        document = await uploaded(still_gate, key, picture(colour=(0, number, 0)))
        await execute(still_gate, "UPDATE inputs SET expires_at = now() - interval '1 hour'")
        create, _ = await asyncio.gather(
            still_gate.http.post(
                "/api/v1/generations", headers={"API-KEY": key}, json=image_request(document["id"])
            ),
            deletion.delete_expired(still_gate.rt),
        )
        there = (await call(still_gate, key, "GET", f"/{document['id']}")).status_code == 200
        assert there is (create.status_code == 202), create.text


async def test_the_pages_rule_is_asked_before_anything_is_paid(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = still_gate.rt.catalog.models["ray-v3-image"]
    rule = InputRule(
        max_bytes=10_000_000, shortest=300, longest=4096, tallest=(2, 5), widest=(5, 2)
    )
    fields = tuple(
        replace(field, image=rule) if field.name == "image" else field for field in model.fields
    )
    monkeypatch.setitem(model.__dict__, "fields", fields)
    # Known from an earlier request, if there was one.
    images = tuple(field for field in fields if field.kind is Kind.ASSET)
    monkeypatch.setitem(model.__dict__, "image_fields", images)
    key = await still_gate.member()
    for size, said in (
        ((200, 200), "at least 300 pixels"),
        ((5000, 2500), "at most 4096 pixels"),
        ((1000, 300), "ratio from 2:5 to 5:2"),
        ((300, 1000), "ratio from 2:5 to 5:2"),
    ):
        document = await uploaded(still_gate, key, picture("JPEG", size))
        answer = await still_gate.create(key, image_body(document["id"]))
        assert answer.status_code == 422
        assert said in answer.json()["details"][0]["message"]
        assert f"{size[0]}x{size[1]}" in answer.json()["details"][0]["message"]
    document = await uploaded(still_gate, key, picture("JPEG", (750, 300)))
    assert (await still_gate.create(key, image_body(document["id"]))).status_code == 202
