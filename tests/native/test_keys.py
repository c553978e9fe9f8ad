"""Who may call at all, and what the framework's own errors look like in each application."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.members import keys
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import traces


async def test_a_key_works_as_api_key_and_as_bearer(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for headers in (
        {"API-KEY": key},
        {"api-key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer {key}"},
        {"API-KEY": key, "Authorization": "Bearer nonsense"},
    ):
        answer = await still_gate.http.get("/api/v1/me", headers=headers)
        assert answer.status_code == 200, headers
        assert answer.json()["name"] == "ada"


async def test_without_a_good_key_nothing_is_read_and_nothing_is_made(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    wrong = [
        {},
        {"API-KEY": ""},
        {"API-KEY": "rg_" + "x" * 40},
        {"API-KEY": key[:-1]},
        {"API-KEY": key + "x"},
        {"API-KEY": key.upper()},
        {"API-KEY": "x" * 100_000},
        {"API-KEY": f"Bearer {key}"},
        {"Authorization": f"Basic {key}"},
        {"Authorization": key},
        {"Authorization": "Bearer "},
    ]
    for headers in wrong:
        answer = await still_gate.http.post("/api/features", content=b"[", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.json()["errorCode"] == "UNAUTHORIZED"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (answer.json()["billed"], answer.json()["retry_safe"]) == (False, True)
        own = await still_gate.http.get("/api/v1/me", headers=headers)
        assert own.status_code == 401
        assert own.headers["Content-Type"] == "application/problem+json"
        assert own.headers["WWW-Authenticate"] == "Bearer"
    assert await traces(still_gate) == before


async def test_bytes_that_are_no_text_in_a_key_are_401(still_gate: Gateway) -> None:
    answer = await still_gate.http.get("/api/v1/me", headers=[(b"API-KEY", b"rg_\xff\xfe")])
    assert answer.status_code == 401


async def test_a_revoked_key_stops_with_the_next_request(still_gate: Gateway) -> None:
    key = await still_gate.member()
    assert (await still_gate.create(key)).status_code == 202
    await keys.revoke_key(still_gate.rt, key[:11], actor=TESTER)
    assert (await still_gate.create(key)).status_code == 401


async def test_a_key_stops_at_its_end(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        await gate.member()
        key = await keys.create_key(
            gate.rt, TEAM, "ada", name="short", expires_at=clock.now() + timedelta(hours=1),
            actor=TESTER,
        )  # fmt: skip
        clock.move(3599)
        assert (await gate.create(key.secret)).status_code == 202
        clock.move(1)
        refused = await gate.create(key.secret)
        assert refused.status_code == 401
        assert refused.json()["message"] == "This key is unknown, expired or revoked."


async def test_a_rotated_key_overlaps_with_its_successor(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        old = await gate.member()
        new = await keys.rotate_key(gate.rt, old[:11], overlap_seconds=600, actor=TESTER)
        for key in (old, new.secret):
            assert (await gate.create(key)).status_code == 202
        # The overlap began by the database's clock, which goes on beside this one.
        clock.move(1_200)
        assert (await gate.create(old)).status_code == 401
        assert (await gate.create(new.secret)).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/features", "POST"),
        ("PUT", "/api/features", "POST"),
        ("OPTIONS", "/api/features", "POST"),
        ("POST", "/api/results/1", "GET"),
        ("BREW", "/api/features", "POST"),
    ],
)
async def test_another_method_is_405_with_allow_in_the_dialects_shape(
    still_gate: Gateway, method: str, path: str, allow: str
) -> None:
    answer = await still_gate.http.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["errorCode"] == "METHOD_NOT_ALLOWED"
    assert answer.headers["Allow"] == allow
    assert answer.json()["billed"] is False


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/v1/me", {"GET"}),
        ("POST", "/api/v1/generations/x/content", {"GET", "HEAD"}),
        ("POST", "/media/x", {"GET", "HEAD"}),
        ("POST", "/livez", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_405_with_allow_as_a_problem(
    still_gate: Gateway, method: str, path: str, allow: set[str]
) -> None:
    answer = await still_gate.http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "method_not_allowed"
    assert set(answer.headers["Allow"].split(", ")) == allow


async def test_an_unknown_path_is_404_in_the_shape_of_its_application(
    still_gate: Gateway,
) -> None:
    for path in ("/api/feature", "/api/features/", "/api/results/a/b", "/api/v2/me", "/api/"):
        answer = await still_gate.http.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["errorCode"] == "NOT_FOUND", path
    for path in ("/api/v1/nothing", "/api/v1/me/", "/media/a/b", "/v1", "/API/features"):
        answer = await still_gate.http.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["Content-Type"] == "application/problem+json", path
        assert answer.json()["code"] == "not_found", path
