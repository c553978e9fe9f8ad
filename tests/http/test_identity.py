"""Log lines of a request name who sent it."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.http.client_address import client_address
from app.secrets import make_key
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute
from tests.http.logs import Log, logging_to
from tests.http.videos import media_path

TRUSTED = [ip_network(each) for each in ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")]


def asked_from(client: str | None, *forwarded: str) -> str | None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": client and (client, 4711), "headers": headers}
    found = client_address(scope, TRUSTED)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.9", (), "192.0.2.9"),
        ("192.0.2.9", ("198.51.100.1",), "192.0.2.9"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("::ffff:10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("203.0.113.7, 198.51.100.1, 10.0.0.2",), "198.51.100.1"),
        ("10.0.0.1", ("203.0.113.7", "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("198.51.100.1:80",), "198.51.100.1"),
        ("fd00::1", ("[2001:db8::7]:80",), "2001:db8::7"),
        ("fd00::1", ("2001:db8::7",), "2001:db8::7"),
        ("fd00::1", ("198.51.100.1, unknown, fd00::2",), "fd00::2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("fe80::1%eth0", (), "fe80::1"),
        ("unix", (), None),
        (None, ("198.51.100.1",), None),
    ],
)
def test_only_what_a_trusted_proxy_appended_is_believed(
    client: str | None, forwarded: tuple[str, ...], address: str | None
) -> None:
    assert asked_from(client, *forwarded) == address


async def who(gate: Gateway, log: Log, path: str, **headers: str) -> dict[str, str | None]:
    await gate.http.get(path, headers={name.replace("_", "-"): v for name, v in headers.items()})
    (line,) = [line for line in log.lines() if line["event"] == "request"]
    return {name: line.get(name) for name in ("key_prefix", "member", "team", "address")}


async def test_a_request_is_logged_with_its_key_member_team_and_address(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    key, other = await still_gate.member(), make_key().secret
    token = await still_gate.http.post("/api/v1/events/token", headers={"API-KEY": key})
    ada = {"key_prefix": key[:11], "member": "ada", "team": "studio", "address": "127.0.0.1"}
    nobody = dict.fromkeys(ada) | {"address": "127.0.0.1"}
    with logging_to(capsys) as log:
        assert await who(still_gate, log, "/api/v1/me", API_KEY=key) == ada
        assert await who(still_gate, log, "/v1/models", Authorization=f"Bearer {key}") == ada
        # A stream of an event that is none: refused behind the token.
        listen = f"/api/v1/events?token={token.json()['token']}&last_event_id=x"
        assert await who(still_gate, log, listen) == ada
        assert await who(still_gate, log, "/api/v1/me") == nobody
        assert await who(still_gate, log, "/api/v1/me", API_KEY="no key of ours") == nobody
        assert await who(still_gate, log, "/nowhere", API_KEY=key) == nobody
        assert await who(still_gate, log, media_path(still_gate, uuid4())) == nobody
        unknown = await who(still_gate, log, "/api/v1/me", API_KEY=other)
        assert unknown == nobody | {"key_prefix": other[:11]}


async def test_every_line_of_a_request_names_it_and_not_the_one_before(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, ben = await still_gate.member("ada"), await still_gate.member("ben")
    await execute(still_gate, "ALTER TABLE generations RENAME TO elsewhere")
    with logging_to(capsys) as log:
        for key in (ada, ben):
            await still_gate.http.get("/api/v1/generations", headers={"API-KEY": key})
        lines = log.lines()
    assert [(line["event"], line["member"]) for line in lines] == [
        ("request_failed", "ada"), ("request", "ada"),
        ("request_failed", "ben"), ("request", "ben"),
    ]  # fmt: skip


async def test_behind_a_trusted_proxy_the_callers_address_is_logged(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, trusted_proxies="127.0.0.0/8, 10.1.2.3"
    ) as gate:
        with logging_to(capsys) as log:
            found = await who(gate, log, "/api/v1/me", X_Forwarded_For="192.0.2.1, 198.51.100.7")
        assert found["address"] == "198.51.100.7"
