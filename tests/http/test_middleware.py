"""What goes around every request: its id, its headers, its log line, and faults of our own."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.harness.gateway import SIGNING_SECRET, Gateway, gateway
from tests.harness.traces import execute
from tests.http.logs import logging_to
from tests.http.videos import media_path

EVERYWHERE = (
    "/livez", "/readyz", "/metrics", "/nowhere", "/media/x", "/api/nowhere", "/api/results/1",
    "/api/features", "/api/v1/me", "/api/v1/nowhere",
)  # fmt: skip


async def test_a_request_id_that_came_goes_back_and_into_the_error(still_gate: Gateway) -> None:
    for path, field in (("/api/v1/me", "request_id"), ("/api/results/1", "requestId")):
        answer = await still_gate.http.get(path, headers={"X-Request-Id": "order-7:a.b_c"})
        assert answer.headers["X-Request-Id"] == "order-7:a.b_c"
        assert answer.json()[field] == "order-7:a.b_c"


HOSTILE_IDS = (
    b"", b" ", b"a b", b"x" * 129, b"a\tb", b"<script>", b"\xff\xfe", b'a"b', b"a;b", b"%0d%0a",
)  # fmt: skip


async def test_a_hostile_request_id_is_replaced(still_gate: Gateway) -> None:
    for hostile in HOSTILE_IDS:
        answer = await still_gate.http.get("/api/v1/me", headers=[(b"X-Request-Id", hostile)])
        given = answer.headers["X-Request-Id"]
        assert len(given) == 24, hostile
        assert given.isalnum()
        assert answer.json()["request_id"] == given


async def test_requests_without_an_id_get_different_ones(still_gate: Gateway) -> None:
    ids = {(await still_gate.http.get("/livez")).headers["X-Request-Id"] for _ in range(20)}
    assert len(ids) == 20


async def test_every_answer_says_that_a_simulator_stands_in(
    still_gate: Gateway,
) -> None:
    for path in EVERYWHERE:
        for method in ("GET", "POST"):
            answer = await still_gate.http.request(method, path)
            assert answer.headers["Reelgate-Upstream"] == "simulator", (method, path)


async def _breaks(gate: Gateway, key: str) -> list[httpx.Response]:
    """A fault at each edge: a table is gone."""
    link = media_path(gate, uuid4())
    await execute(gate, "ALTER TABLE generations RENAME TO canary_generations")
    return [
        await gate.http.get("/api/v1/generations", headers={"API-KEY": key}),
        await gate.http.get(link),
        await gate.http.get(f"/api/results/{uuid4()}", headers={"API-KEY": key}),
        await gate.create(key),
    ]


async def test_a_fault_is_500_in_the_shape_of_its_edge_and_tells_nothing(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    key = await still_gate.member()
    with logging_to(capsys):
        answers = await _breaks(still_gate, key)
    for number, answer in enumerate(answers):
        assert answer.status_code == 500
        body = answer.json()
        assert (body["billed"], body["retry_safe"]) == (False, False)
        if number < 2:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (body["code"], body["status"]) == ("internal_error", 500)
            assert body["request_id"] == answer.headers["X-Request-Id"]
        else:
            assert body["errorCode"] == "INTERNAL_ERROR"
            assert body["requestId"] == answer.headers["X-Request-Id"]
        assert answer.headers["Reelgate-Upstream"] == "simulator"
        for leaked in ("generations", "psycopg", "SELECT", "Traceback", "relation"):
            assert leaked not in answer.text


async def test_a_fault_is_logged_once_with_its_traceback_and_its_request_id(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    key = await still_gate.member()
    with logging_to(capsys) as log:
        answers = await _breaks(still_gate, key)
        lines = log.lines()
    faults = [line for line in lines if line["event"] == "request_failed"]
    assert [line["request_id"] for line in faults] == [
        answer.headers["X-Request-Id"] for answer in answers
    ]
    # Admission's function is the last, and names the table's row type.
    kinds = ["UndefinedTable", "UndefinedTable", "UndefinedTable", "UndefinedObject"]
    for fault, kind in zip(faults, kinds, strict=True):
        assert kind in fault["exception"]
        assert fault["level"] == "error"


async def test_a_log_line_has_the_path_and_no_query_and_no_key(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    key = await still_gate.member()
    link = media_path(still_gate, uuid4())
    with logging_to(capsys, secrets=[SIGNING_SECRET]) as log:
        await still_gate.http.get(link, headers={"API-KEY": key})
        await still_gate.http.get(
            "/api/v1/generations",
            params={"cursor": key},
            headers={"Authorization": f"Bearer {key}"},
        )
        await still_gate.http.get("/livez")
        written = log.text()
    lines = [line for line in written.splitlines() if '"request"' in line]
    assert len(lines) == 2
    path, _, query = link.partition("?")
    assert f'"path": "{path}"' in lines[0]
    assert '"error": "not_found"' in lines[0]
    assert '"error": "invalid_request"' in lines[1]
    for secret in (key, query, query.split("sig=")[1]):
        assert secret not in written


async def test_without_a_simulator_no_answer_speaks_of_one(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False) as gate:
        plain = gate.rt.settings.model_copy(update={"simulator_url": None})
        gate.rt.settings = plain
        answer = await gate.http.get("/livez")
        assert answer.status_code == 200
        assert "Reelgate-Upstream" not in answer.headers


CACHED = ("/docs", "/docs/start.js", "/docs/swagger-ui.css", "/api/v1/openapi.json")


async def test_no_answer_is_kept_by_a_cache_and_none_is_taken_for_what_it_is_not(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    paths = (
        *EVERYWHERE, "/v1/videos", "/v1/models", "/v1/videos/x", "/api/v1/generations",
        "/dream-machine/v1/generations", "/luma/v1/generations/x", "/api/v1/usage?format=csv",
        "/openrouter/api/v1/videos", "/openrouter/api/v1/videos/models",
    )  # fmt: skip
    for path in paths:
        for method, headers in (("GET", {}), ("GET", {"API-KEY": key}), ("POST", {"API-KEY": key})):
            answer = await still_gate.http.request(method, path, headers=headers)
            assert answer.headers["Cache-Control"] == "no-store", (method, path)
            assert answer.headers["X-Content-Type-Options"] == "nosniff", (method, path)
    created = await still_gate.create(key)
    assert created.headers["Cache-Control"] == "no-store"
    link = media_path(still_gate, uuid4())
    assert (await still_gate.http.get(link)).headers["Cache-Control"] == "no-store"


async def test_what_is_the_same_for_everybody_may_be_kept(still_gate: Gateway) -> None:
    for path in CACHED:
        answer = await still_gate.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
