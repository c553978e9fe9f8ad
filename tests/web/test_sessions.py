"""A session acts with its key: with the same rights and limits, and no longer than the key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.domain.caller import Role, Status
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway
from tests.web.browser import OWN, browser, sign_in

OURS = {"feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a wave", "duration": "5s"}


async def _status(client: httpx.AsyncClient) -> int:
    return (await client.get("/api/v1/me")).status_code


async def test_every_edge_takes_a_session_in_place_of_a_key(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        assert await _status(client) == 401
        signed = await sign_in(client, key=key)
        assert (signed.status_code, signed.content) == (204, b"")
        own = (await client.get("/api/v1/me")).json()
        with_key = (await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
        assert (own["name"], own["key"]["prefix"]) == ("ada", key[:11])
        assert own["credits"] == with_key["credits"]
        for path in ("/v1/videos", "/dream-machine/v1/generations", "/api/v1/generations"):
            assert (await client.get(path)).status_code == 200, path
        native = await client.post(
            "/api/features", json=body(), headers={**OWN, "Prefer": "respond-async"}
        )
        made = await client.post("/api/v1/generations", json=OURS, headers=OWN)
        assert (native.status_code, made.status_code) == (202, 202)
        listed = (await client.get("/api/v1/generations")).json()["data"]
        assert {one["dialect"] for one in listed} == {"onemin", "rest"}
        with_key = (await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
        assert with_key["open"] == 2


async def test_signing_in_replaces_the_session_that_the_browser_had(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client, browser(still_gate) as other:
        await sign_in(client, key=key)
        await sign_in(other, key=key)
        former = dict(client.cookies)
        await sign_in(client, key=key)
        assert await _status(client) == 200
        assert await _status(other) == 200
        client.cookies.clear()
        client.cookies.update(former)
        assert await _status(client) == 401
        listed = (await other.get("/api/v1/sessions")).json()["data"]
        assert len(listed) == 2


async def test_the_limits_of_the_key_are_those_of_its_session(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=1)
    async with browser(still_gate) as client:
        await sign_in(client, key=key)
        assert (await client.post("/api/v1/generations", json=OURS, headers=OWN)).status_code == 202
        refused = await client.post("/api/v1/generations", json=OURS, headers=OWN)
        assert refused.json()["code"] == "max_open_reached"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Reelgate": "1"},
        {"X-Reelgate": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-Reelgate": "1", "Sec-Fetch-Site": "same-site", "Origin": "http://gateway"},
        {"X-Reelgate": "1", "Origin": "https://evil.example"},
        {"X-Reelgate": "1", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://gateway"},
    ],
)
async def test_another_site_changes_nothing(still_gate: Gateway, headers: dict[str, str]) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        assert (
            await client.post("/app/session", json={"key": key}, headers=headers)
        ).status_code == 403
        await sign_in(client, key=key)
        # In the form of each edge.
        ours = await client.post("/api/v1/generations", json=OURS, headers=headers)
        assert (ours.status_code, ours.json()["code"]) == (403, "permission_denied")
        openai = await client.post(
            "/v1/videos", json={"model": "sora-2", "prompt": "a wave"}, headers=headers
        )
        assert (openai.status_code, "error" in openai.json()) == (403, True)
        assert (await client.delete("/app/session", headers=headers)).status_code == 403
        found = (await client.get("/api/v1/generations", headers=headers)).json()
        assert found["data"] == []


async def test_a_page_of_our_own_changes_something(still_gate: Gateway) -> None:
    """On plain http to another machine, browsers say only the origin."""
    key = await still_gate.member()
    async with browser(still_gate, "http://studio:9000") as client:
        own = {"X-Reelgate": "1", "Origin": "http://studio:9000"}
        assert (
            await client.post("/app/session", json={"key": key}, headers=own)
        ).status_code == 204
        made = await client.post("/api/v1/generations", json=OURS, headers=own)
        assert made.status_code == 202


async def test_a_key_in_the_request_counts_and_the_cookie_does_not(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member(), await still_gate.member("bob")
    async with browser(still_gate) as client:
        await sign_in(client, key=ada)
        found = await client.get("/api/v1/me", headers={"API-KEY": bob})
        assert found.json()["name"] == "bob"
        # A program may have a cookie jar, and needs no header of ours.
        made = await client.post("/api/v1/generations", json=OURS, headers={"API-KEY": bob})
        assert made.status_code == 202


@pytest.mark.parametrize("secret", ["rg_" + "x" * 40, "nothing", "x" * 500, "", 5])
async def test_a_key_that_nobody_has_opens_nothing(still_gate: Gateway, secret: Any) -> None:
    await still_gate.member()
    async with browser(still_gate) as client:
        refused = await sign_in(client, key=secret)
        assert refused.status_code in (401, 422)
        assert "set-cookie" not in refused.headers
        assert str(secret) not in refused.text or secret in ("", 5, "nothing")


async def test_a_session_ends_with_its_key(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        await sign_in(client, key=key)
        assert await _status(client) == 200
        await keys.revoke_key(still_gate.rt, key[:11], actor=TESTER)
        assert await _status(client) == 401


async def test_suspending_a_member_ends_its_sessions_and_leaves_it_its_videos(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        await sign_in(client, key=key)
        await members.change_member(
            still_gate.rt, TEAM, "ada", status=Status.SUSPENDED, actor=TESTER.because("odd")
        )
        assert await _status(client) == 401
        assert (await sign_in(client, key=key)).status_code == 204
        assert (await client.get("/api/v1/generations")).status_code == 200
        refused = await client.post("/api/v1/generations", json=OURS, headers=OWN)
        assert refused.json()["code"] == "suspended"


async def test_suspending_a_team_ends_the_sessions_of_all_its_members(still_gate: Gateway) -> None:
    key, other = await still_gate.member(), await still_gate.member("eve", team="other")
    async with browser(still_gate) as client, browser(still_gate) as elsewhere:
        await sign_in(client, key=key)
        await sign_in(elsewhere, key=other)
        await teams.change_team(
            still_gate.rt, TEAM, status=Status.SUSPENDED, actor=TESTER.because("odd")
        )
        assert (await _status(client), await _status(elsewhere)) == (401, 200)


async def test_signing_out_ends_this_session_alone(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as one, browser(still_gate) as two:
        for client in (one, two):
            await sign_in(client, key=key)
        kept = dict(one.cookies)
        answer = await one.delete("/app/session", headers=OWN)
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert (await _status(one), await _status(two)) == (401, 200)
        # Also for who copied the cookie.
        one.cookies.update(kept)
        assert await _status(one) == 401
        assert (await one.delete("/app/session", headers=OWN)).status_code == 204


async def test_a_session_ends_when_it_is_idle_and_in_any_case_after_days(
    database_url: str, tmp_path: Path
) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        async with browser(gate) as idle, browser(gate) as busy:
            for client in (idle, busy):
                await sign_in(client, key=key)
            for _ in range(16):
                clock.move(timedelta(hours=10).total_seconds())
                assert await _status(busy) == 200
            assert await _status(idle) == 401
            # 170 hours are more than seven days.
            clock.move(timedelta(hours=10).total_seconds())
            assert await _status(busy) == 401


async def test_the_cookie_is_for_this_host_and_no_script(database_url: str, tmp_path: Path) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, public_url="https://video.example.com/below"
    ) as gate:
        key = await gate.member()
        async with browser(gate, "https://video.example.com") as client:
            cookie = (await sign_in(client, key=key)).headers["set-cookie"]
            assert cookie.startswith("__Host-reelgate=rg_session_")
            assert {part.strip() for part in cookie.split(";")[1:]} == {
                "HttpOnly", "Max-Age=604800", "Path=/", "SameSite=lax", "Secure"
            }  # fmt: skip
            assert await _status(client) == 200


async def test_on_this_machine_the_cookie_needs_no_https(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        cookie = (await sign_in(client, key=key)).headers["set-cookie"]
        assert cookie.startswith("reelgate=rg_session_")
        assert "Secure" not in cookie
        assert "HttpOnly" in cookie


async def test_only_hashes_are_kept_and_the_audit_log_names_who(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        await sign_in(client, key=key)
        secret = client.cookies["reelgate"]
        await client.delete("/app/session", headers=OWN)
    async with still_gate.rt.db.single() as tx:
        row = (await tx.execute(text("SELECT * FROM sessions"))).mappings().one()
        lines = (
            (
                await tx.execute(
                    text(
                        "SELECT action, actor, key_prefix, detail FROM audit_log"
                        " WHERE action LIKE 'session.%' ORDER BY id"
                    )
                )
            )
            .mappings()
            .all()
        )
    assert secret.encode() not in row["secret_sha256"]
    assert secret not in str(dict(row))
    assert [(line["action"], line["actor"], line["key_prefix"]) for line in lines] == [
        ("session.begin", "studio/ada", key[:11]), ("session.end", "studio/ada", key[:11]),
    ]  # fmt: skip
    assert lines[0]["detail"] == {"method": "key", "session": str(row["id"])}


async def test_failures_of_one_address_and_of_one_key_are_bounded(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        answers = [await sign_in(client, key=f"{key[:-1]}{n}") for n in ".,"]
        assert [one.status_code for one in answers] == [401, 401]
        answers = [await sign_in(client, key="rg_" + "x" * 40) for _ in range(30)]
        assert answers[-1].status_code == 429
        assert answers[-1].json()["limit"] == "failed_sign_ins"
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await sign_in(client, key=key)).status_code == 429


async def test_what_is_dangerous_asks_to_sign_in_again(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        operator = await gate.member("grace", team="default", role=Role.ADMIN)
        bob = await gate.member("bob")
        async with browser(gate) as client:
            await sign_in(client, key=operator)
            path = "/api/v1/admin/upstream-keys/none/test"
            assert (await client.post(path, headers=OWN)).status_code == 404
            clock.move(3_600)
            refused = await client.post(path, headers=OWN)
            assert (refused.status_code, refused.json()["sign_in_again"]) == (403, True)
            assert (await client.get("/api/v1/admin/upstream-keys")).status_code == 200
            # Another member's key proves nothing.
            assert await _again(client, bob) == 403
            assert (await client.post(path, headers=OWN)).status_code == 403
            assert await _again(client, operator) == 204
            assert (await client.post(path, headers=OWN)).status_code == 404
            clock.move(3_600)
            with_key = await client.post(path, headers={"API-KEY": operator})
            assert with_key.status_code == 404


async def _again(client: httpx.AsyncClient, key: str) -> int:
    answer = await client.post("/app/session/again", json={"key": key}, headers=OWN)
    return answer.status_code


async def test_a_session_is_no_key(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with browser(still_gate) as client:
        await sign_in(client, key=key)
        secret = client.cookies["reelgate"]
    refused = await still_gate.http.get("/api/v1/me", headers={"API-KEY": secret})
    assert refused.status_code == 401
