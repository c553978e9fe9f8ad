"""Refusals in words: what is wrong, what is taken, and where an operator decides."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.api.test_create import asked
from tests.harness.gateway import Gateway


@pytest.fixture
async def key(still_gate: Gateway) -> str:
    return await still_gate.member("alice")


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("state=foo", "state",
         "must be one of queued, submitting, running, succeeded, failed, canceled, unknown"),
        ("state=queued&state=7", "state", "must be one of queued"),
        ("limit=abc", "limit", "must be a whole number"),
        ("limit=1.5", "limit", "must be a whole number"),
        ("limit=0", "limit", "must be at least 1"),
        ("limit=101", "limit", "must be at most 100"),
        ("member_id=me", "member_id", "must be a UUID"),
        ("cursor=", "cursor", "must have at least 1 characters"),
        ("created_from=2026-13-01", "created_from", "must be a date and time, such as 2026-03-01T"),
        ("created_from=2026-03-01T00:00:00", "created_from", "must have an offset from UTC"),
    ],
)  # fmt: skip
async def test_a_parameter(
    still_gate: Gateway, key: str, query: str, field: str, message: str
) -> None:
    answer = await still_gate.http.get(f"/api/v1/generations?{query}", headers={"API-KEY": key})
    assert answer.status_code == 422
    (issue,) = answer.json()["errors"]
    assert issue["field"] == field
    assert issue["message"].startswith(message), issue


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"url": "http://127.0.0.1:9000/hook"}, "url", "must be https; receivers in the gateway's"),
        ({"url": "https://10.0.0.7/hook"}, "url", "must have a public address; receivers in the"),
        ({"url": 5}, "url", "must be a string"),
        ({"uri": "https://hooks.example.com"}, "url", "this field is required"),
    ],
)
async def test_a_receiver(
    still_gate: Gateway, key: str, body: dict[str, Any], field: str, message: str
) -> None:
    answer = await still_gate.http.post(
        "/api/v1/webhooks/endpoints", headers={"API-KEY": key}, json=body
    )
    assert answer.status_code == 422
    issue = answer.json()["errors"][0]
    assert (issue["field"], issue["message"][: len(message)]) == (field, message)
    if "receivers" in message:
        assert "REELGATE_WEBHOOK_INTERNAL_ORIGINS" in issue["message"]


@pytest.mark.parametrize(
    "path", ["/api/v1/generations", "/api/features", "/v1/videos", "/dream-machine/v1/generations"]
)
async def test_a_body_of_another_type(still_gate: Gateway, key: str, path: str) -> None:
    headers = {"API-KEY": key, "Content-Type": "text/xml"}
    answer = await still_gate.http.post(path, headers=headers, content="<video/>")
    assert answer.status_code in (400, 422)
    assert "is not JSON (its Content-Type is text/xml): " in answer.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/generations", "application/json"),
        ("/api/v1/webhooks/endpoints", "application/json"),
        ("/api/features", "application/json"),
        ("/v1/videos", "application/json"),
        ("/v1/videos", "multipart/form-data; boundary=x"),
        ("/dream-machine/v1/generations", "application/json"),
        ("/luma/v1/generations", "application/json"),
        ("/openrouter/api/v1/videos", "application/json"),
    ],
)
async def test_a_compressed_body(still_gate: Gateway, key: str, path: str, kind: str) -> None:
    answer = await still_gate.http.post(
        path, content=gzip.compress(b"{}"),
        headers={"API-KEY": key, "Content-Type": kind, "Content-Encoding": "gzip"},
    )  # fmt: skip
    assert answer.status_code == 415
    assert "The Content-Encoding gzip is not read here" in answer.text


@pytest.mark.parametrize("model", ["ray-1-6", "luma/ray-1-6", "luma/ray-v3", "sora-2"])
async def test_an_alias_that_is_listed_is_taken(still_gate: Gateway, key: str, model: str) -> None:
    headers = {"API-KEY": key}
    listed = (await still_gate.http.get("/api/v1/models", headers=headers)).text
    assert f'"{model.removeprefix("luma/")}"' in listed
    answer = await still_gate.http.post(
        "/api/v1/generations", headers=headers, json=asked(model=model)
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["spec"]["model"].startswith("ray-v")


async def test_a_duration_that_is_replaced_is_among_those_that_are_taken(
    still_gate: Gateway, key: str
) -> None:
    async def post(seconds: str) -> Any:
        return await still_gate.http.post(
            "/v1/videos", headers={"API-KEY": key}, json={"prompt": "x", "seconds": seconds}
        )

    refused = await post("12")
    allowed = refused.json()["error"]["details"][0]["allowed"]
    for seconds in allowed:
        taken = await post(seconds)
        assert taken.status_code == 200, taken.text
    assert (await post(str(int(allowed[-1]) + 1))).status_code == 400


@pytest.mark.parametrize("overlap", [False, True, "5", "x", -1, 1.5])
async def test_a_number_that_is_none(still_gate: Gateway, key: str, overlap: Any) -> None:
    path = "/api/v1/webhooks/callback-secret"
    before = (await still_gate.http.get(path, headers={"API-KEY": key})).json()
    answer = await still_gate.http.post(
        f"{path}/rotate", headers={"API-KEY": key}, json={"overlap_seconds": overlap}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "overlap_seconds"
    assert (await still_gate.http.get(path, headers={"API-KEY": key})).json() == before
