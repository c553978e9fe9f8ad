"""Every action that changes something leaves a line that names who did it, and the line stays."""

from __future__ import annotations

import csv
import io
import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from sqlalchemy import text
from typer.testing import CliRunner

from app import processes
from app.api.routes import create_api
from app.cli.commands import cli
from app.db.faults import Fault
from app.db.session import driver_conninfo
from app.dialects.luma.routes import create_dialect as dream_machine
from app.dialects.luma_agents.routes import create_dialect as agents
from app.dialects.onemin.routes import create_dialect as onemin
from app.dialects.openai.routes import create_dialect as openai
from app.dialects.openrouter.routes import create_dialect as openrouter
from app.domain.caller import Role
from tests.harness.gateway import TEAM, Gateway, body
from tests.harness.traces import execute
from tests.operators.audited import (
    COMMANDS,
    OF_NO_TEAM,
    ONLY_WHERE_NEEDED,
    ROUTES,
    SILENT_COMMANDS,
    SILENT_ROUTES,
)
from tests.structure import reference


def test_every_command_is_named_here() -> None:
    known = {name.removeprefix("reelgate ") for name, _ in reference.commands()}
    assert known == {*COMMANDS, *SILENT_COMMANDS}


def changing(app: FastAPI) -> set[str]:
    """The names of the operations that are more than a look."""
    return {
        operation["operationId"]
        for path in app.openapi()["paths"].values()
        for method, operation in path.items()
        if method != "get"
    }


def test_every_route_is_named_here() -> None:
    known: set[str] = set()
    for create in (create_api, onemin, openai, dream_machine, agents, openrouter):
        known |= changing(create())
    assert known == {*ROUTES, *SILENT_ROUTES}


def furnish(address: str) -> dict[str, str]:
    """One of everything, of one administrator; the ids, by their names above."""
    ids = {
        name: str(uuid4())
        for name in ("team", "member", "key", "queued", "unknown", "succeeded", "set_aside",
                     "ended", "endpoint", "disabled", "openai", "delivery", "other", "bob",
                     "bobs", "price", "request", "adas", "sign_in", "input", "session", "share")
    }  # fmt: skip
    with psycopg.connect(driver_conninfo(address)) as tx:
        for name in ("team", "other"):
            tx.execute(
                "INSERT INTO teams (id, name, credit_limit, created_at)"
                " VALUES (%s, %s, %s, '2026-03-15')",
                [ids[name], *(("studio", None) if name == "team" else ("other", 9))],
            )
        for member, key, team, name, role, secret in (
            (ids["member"], ids["key"], ids["team"], "ada", "ADMIN", SECRET),
            (ids["bob"], ids["bobs"], ids["other"], "bob", "MEMBER", SECRET.replace("a", "b")),
        ):
            tx.execute(
                "INSERT INTO members (id, team_id, name, role, credit_limit, rate_per_minute,"
                " rate_burst, max_open) VALUES (%s, %s, %s, %s, 9, 9, 9, 9)",
                [member, team, name, role],
            )
            tx.execute("INSERT INTO rate_states (member_id) VALUES (%s)", [member])
            tx.execute(
                "INSERT INTO api_keys (id, account_id, member_id, name, prefix, secret_sha256,"
                " credit_limit) VALUES (%s, %s, %s, 'ci', %s, sha256(%s), %s)",
                [key, key, member, secret[:11], secret.encode(), 9 if name == "bob" else None],
            )
        tx.execute(
            "INSERT INTO credit_requests"
            " (id, team_id, member_id, account_id, kind, credits, reason, created_at)"
            " VALUES (%s, %s, %s, %s, 'member', 5, 'odd', now())",
            [ids["request"], ids["other"], ids["bob"], ids["bob"]],
        )
        tx.execute(
            "INSERT INTO sign_in_requests (id, issuer, subject, name)"
            " VALUES (%s, 'https://id.example.com', '1', 'eve')",
            [ids["sign_in"]],
        )
        spec = {"prompt": "a wave", "model": "ray-v3", "duration": "5s"}
        for name in ("queued", "unknown", "succeeded", "set_aside", "ended"):
            state = "succeeded" if name in ("set_aside", "ended") else name
            tx.execute(
                "INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature,"
                " provider, spec, model, kind, fingerprint, state, quote, queue_deadline_at,"
                " finished_at)"
                " VALUES (%s, %s, %s, %s, 'openai', 'TEXT_TO_VIDEO', 'luma', %s, 'm', 'm', '',"
                " %s, 1, now(),"
                " CASE WHEN %s = 'succeeded' THEN now() END)",
                [ids[name], ids["team"], ids["member"], ids["key"], Jsonb(spec), state, state],
            )
            tx.execute(
                "SELECT reelgate_enter(%s, %s, %s, %s, 'hold', 1, 0, now(), now())",
                [ids[name], ids["team"], ids["member"], ids["key"]],
            )
        tx.execute("SELECT reelgate_close_hold(%s, 1)", [ids["ended"]])
        for name, state in (("succeeded", "pending"), ("set_aside", "set_aside")):
            tx.execute(
                "INSERT INTO assets (generation_id, team_id, kind, state, path, sha256, size_bytes)"
                " VALUES (%s, %s, 'video', %s, 'x', 'x', 1)",
                [ids[name], ids["team"], state],
            )
        for name, format_ in (
            ("endpoint", "reelgate"), ("disabled", "reelgate"), ("openai", "openai"),
        ):  # fmt: skip
            tx.execute(
                "INSERT INTO webhook_endpoints"
                " (id, team_id, member_id, url, event_types, secret, format)"
                " VALUES (%s, %s, %s, 'https://127.0.0.1/', '[]', 'x', %s)",
                [ids[name], ids["team"], ids["member"], format_],
            )
        tx.execute(
            "UPDATE webhook_endpoints SET state = 'disabled' WHERE id = %s", [ids["disabled"]]
        )
        tx.execute(
            "INSERT INTO webhook_deliveries (id, team_id, member_id, endpoint_id, type, state)"
            " VALUES (%s, %s, %s, %s, 'webhook.test', 'failed')",
            [ids["delivery"], ids["team"], ids["member"], ids["endpoint"]],
        )
        tx.execute(
            "INSERT INTO prices (id, match, credits, effective_at, reason, actor, created_at)"
            " VALUES (%s, %s, 7, now() + interval '1 day', 'odd', 'x', now())",
            [ids["price"], Jsonb({"model": "ray-v2"})],
        )
        tx.execute(
            "INSERT INTO sessions (id, key_id, secret_sha256, method, expires_at)"
            " VALUES (%s, %s, 'x', 'key', now() + interval '1 day')",
            [ids["session"], ids["key"]],
        )
        tx.execute("INSERT INTO upstream_keys (label, fingerprint) VALUES ('main', 'x')")
        tx.execute("UPDATE pauses SET paused = true WHERE name = 'admission'")
    return ids


SECRET = "rg_" + "a" * 40


def of_no_team(action: str) -> bool:
    return action in OF_NO_TEAM or action.partition(".")[0] in OF_NO_TEAM


def lines(address: str) -> list[dict[str, Any]]:
    with psycopg.connect(driver_conninfo(address)) as tx:
        rows = tx.execute("SELECT to_jsonb(a) FROM audit_log a ORDER BY id").fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def types(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[int, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(processes, "start_logging", lambda _: None)

    def run(command: str) -> tuple[int, str]:
        ran = CliRunner().invoke(cli, command.split())
        return ran.exit_code, ran.output

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_a_line(
    command: str, types: Callable[[str], tuple[int, str]], database_url: str, tmp_path: Path
) -> None:
    ids = furnish(database_url)
    options, action = COMMANDS[command]
    folder = (tmp_path / "other").as_uri()
    code, printed = types(f"--as grace {command} {options.format(**ids, folder=folder)}")
    # A test of an endpoint that cannot be reached ends with 1, and was one.
    assert (code == 0) is (command != "webhooks test"), printed
    found = lines(database_url)
    assert action in [line["action"] for line in found]
    assert {line["actor"] for line in found} == {"cli:grace"}
    assert all(line["subject"] for line in found)
    assert all(of_no_team(line["action"]) is (line["team_id"] is None) for line in found)


async def test_every_route_leaves_a_line_with_key_member_team_and_address(
    still_gate: Gateway,
) -> None:
    for name, (method, path, document, action) in ROUTES.items():
        address = still_gate.rt.db.address
        with psycopg.connect(driver_conninfo(address)) as tx:
            tx.execute("SET session_replication_role = replica")
            for table in (
                "audit_log", "sessions", "events", "webhook_attempts", "webhook_deliveries",
                "webhook_endpoints", "shares", "assets", "inputs", "balances", "statement_lines",
                "statements", "unclosed_entries", "daily_usage", "team_usage", "credit_requests",
                "notices", "grants", "ledger_entries", "generations", "identities",
                "sign_in_requests", "api_keys", "rate_states", "members", "teams",
                "upstream_keys",
            ):  # fmt: skip
                tx.execute(f"DELETE FROM {table}")
        ids = furnish(address)
        await execute(still_gate, "UPDATE teams SET name = 'default' WHERE name = 'studio'")
        for needed, statement in ONLY_WHERE_NEEDED.items():
            if f"{{{needed}}}" in path:
                await execute(still_gate, statement, **ids)
        answer = await still_gate.http.request(
            method, path.format(**ids), headers={"API-KEY": SECRET},
            json=json.loads(json.dumps(document).replace("{other}", ids["other"])),
        )  # fmt: skip
        # A test of an endpoint that cannot be reached is no success, and was one.
        assert answer.is_success is (name != "test_webhook"), (name, answer.text)
        *others, line = lines(address)
        # A rotation makes a key, a granted request a grant, and an accepted person a member.
        before = {
            "key.rotate": ["key.create"], "credit_request.grant": ["grant.give"],
            "sign_in_request.accept": ["member.create"],
        }  # fmt: skip
        assert [other["action"] for other in others] == before.get(action, [])
        assert (line["action"], line["actor"]) == (action, "default/ada"), name
        assert (line["team"], line["member"], line["key_prefix"]) == (
            "default", "ada", "rg_aaaaaaaa",
        )  # fmt: skip
        assert line["address"] == "127.0.0.1"
        assert of_no_team(action) is (line["team_id"] is None), name


@pytest.mark.parametrize(
    "attack",
    ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log",
     "DELETE FROM audit_log WHERE false",
     "INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM audit_log"
     " ON CONFLICT (id) DO UPDATE SET actor = 'nobody'"],
)  # fmt: skip
async def test_a_line_stays_as_it_is(still_gate: Gateway, attack: str) -> None:
    await still_gate.member()
    before = lines(still_gate.rt.db.address)
    assert before
    with pytest.raises(Fault, match="42501"):
        await execute(still_gate, attack)
    assert lines(still_gate.rt.db.address) == before


def test_who_typed_is_named(
    types: Callable[[str], tuple[int, str]], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert types("team create one")[0] == 0
    monkeypatch.setenv("REELGATE_OPERATOR", "grace")
    assert types("team create two")[0] == 0
    assert types("--as ada team create three")[0] == 0
    assert types("team create four")[0] == 0
    monkeypatch.delenv("REELGATE_OPERATOR")
    monkeypatch.setenv("SUDO_USER", "linus")
    assert types("team create five")[0] == 0
    code, printed = types("--as= team create six")
    assert (code, "--as" in printed) == (2, True)
    me = pwd.getpwuid(os.getuid()).pw_name
    behind = "linus" if os.getuid() == 0 else me
    assert [line["actor"] for line in lines(database_url)] == [
        f"cli:{name}" for name in (me, "grace", "ada", "grace", behind)
    ]


def test_the_command_shows_and_sifts(
    types: Callable[[str], tuple[int, str]], database_url: str
) -> None:
    furnish(database_url)
    for typed in ("team create another", "member create bob --team another",
                  "key create --team another --member bob", "key revoke rg_aaaaaaaa"):  # fmt: skip
        assert types(f"--as grace {typed}")[0] == 0

    def shown(options: str) -> list[str]:
        code, printed = types(f"audit --json {options}")
        assert code == 0, printed
        return [json.loads(line)["action"] for line in printed.splitlines()]

    assert shown("") == ["key.revoke", "key.create", "member.create", "team.create"]
    assert shown("--limit 1") == ["key.revoke"]
    assert shown("--action key") == ["key.revoke", "key.create"]
    assert shown("--action key.create") == ["key.create"]
    assert shown("--action ke") == []
    assert shown("--member another/bob") == ["key.create", "member.create"]
    assert shown("--since 2999-01-01") == shown("--until 2020-01-01T10:00") == []
    assert len(shown("--since 2020-01-01 --until 2999-01-01")) == 4
    assert shown("--team another --limit 2") == ["key.create", "member.create"]
    assert shown("--team studio") == ["key.revoke"]
    assert len(shown("--by cli:grace")) == 4
    assert shown("--by cli:linus") == []
    assert shown("--subject another") == ["team.create"]
    assert len(shown("--all")) == 4
    assert types("audit --all")[0] == types("audit --csv --json")[0] == 2
    code, table = types("audit --csv --action team")
    assert code == 0
    assert [row["actor"] for row in csv.DictReader(io.StringIO(table))] == ["cli:grace"]
    code, table = types("audit --member studio/ada")
    assert code == 0
    head, line = table.splitlines()
    assert head.split() == ["at", "who", "action", "subject", "key", "address", "detail"]
    assert line.split()[2:] == [
        "cli:grace",
        "key.revoke",
        "studio/ada",
        '{"key":',
        '"rg_aaaaaaaa"}',
    ]


async def test_operators_read_it_page_by_page(still_gate: Gateway) -> None:
    operator = await still_gate.member("root", team="default", role=Role.ADMIN)
    key = await still_gate.member()
    made = await still_gate.create(key, body())
    cancel = f"/api/v1/generations/{made.json()['aiRecord']['uuid']}/cancel"
    assert (await still_gate.http.post(cancel, headers={"API-KEY": key})).status_code == 200

    async def read(**query: Any) -> dict[str, Any]:
        answer = await still_gate.http.get(
            "/api/v1/admin/audit", params=query, headers={"API-KEY": operator}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    every = await read()
    actions = [line["action"] for line in every["data"]]
    assert actions[0] == "generation.cancel"
    assert (every["has_more"], every["next_cursor"]) == (False, None)
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await read(limit=3, **cursor)
        paged += page["data"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == every["data"]
    (own,) = (await read(member=f"{TEAM}/ada", action="generation"))["data"]
    assert (own["actor"], own["key_prefix"], own["address"]) == (
        f"{TEAM}/ada", key[:11], "127.0.0.1",
    )  # fmt: skip
    at = own["created_at"]
    assert (await read(until=at))["data"] == every["data"][1:]
    assert (await read(since=at))["data"] == every["data"][:1]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "cursor=x", "since=yesterday", "member=%00"]
)
async def test_what_cannot_be_looked_for_is_refused(still_gate: Gateway, query: str) -> None:
    operator = await still_gate.member("root", team="default", role=Role.ADMIN)
    answer = await still_gate.http.get(
        f"/api/v1/admin/audit?{query}", headers={"API-KEY": operator}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, query.split("=")[0])


async def test_an_action_that_changed_nothing_leaves_no_line(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await still_gate.create(key, body())
    path = f"/api/v1/generations/{made.json()['aiRecord']['uuid']}"
    for _ in range(2):
        await still_gate.http.post(f"{path}/cancel", headers={"API-KEY": key})
        await still_gate.http.delete(path, headers={"API-KEY": key})
    async with still_gate.rt.db.single() as tx:
        found = await tx.scalars(text("SELECT action FROM audit_log WHERE member = 'ada'"))
        assert list(found) == ["generation.cancel"]
