"""What a key may do less than its member: scopes, models, addresses, a rate and a cap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.caller import Role
from app.domain.catalog.catalog import BUILT_IN
from app.domain.keys import Restrictions, Scope
from app.errors import InvalidRequest
from app.members import keys
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway

REST = {"feature": "TEXT_TO_VIDEO", "prompt": "a wave", "model": "ray-v3", "duration": "5s"}


@pytest.fixture
async def timeless(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def key_of(gate: Gateway, member: str = "ada", **restrictions: Any) -> str:
    """Another key of a member that there is."""
    made = await keys.create_key(
        gate.rt,
        TEAM,
        member,
        name="narrow",
        restrictions=Restrictions(**restrictions),
        actor=TESTER,
    )
    return made.secret


async def call(gate: Gateway, key: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"API-KEY": key, "Prefer": "respond-async"}
    return await gate.http.request(method, path, json=body, headers=headers)


#: A way to create, and a way to look, in each API.
CREATES = {
    "/api/features": body(),
    "/api/v1/generations": REST,
    "/v1/videos": {"prompt": "a wave"},
    "/dream-machine/v1/generations/video": {"prompt": "a wave", "model": "ray-2"},
    "/luma/v1/generations": {"prompt": "a wave", "model": "ray-3", "type": "video"},
    "/openrouter/api/v1/videos": {"prompt": "a wave", "model": "ray-3"},
}
LOOKS = (
    "/api/results/00000000-0000-4000-8000-000000000000", "/api/v1/generations", "/api/v1/usage",
    "/api/v1/webhooks/endpoints", "/v1/videos", "/dream-machine/v1/generations",
)  # fmt: skip


async def test_a_key_to_read_with_creates_nothing(still_gate: Gateway) -> None:
    own = await still_gate.member()
    key = await key_of(still_gate, scopes=(Scope.READ,))
    for path, document in CREATES.items():
        refused = await call(still_gate, key, "POST", path, document)
        assert refused.status_code == 403, (path, refused.text)
        assert "its scopes are read, and that needs generate" in refused.text, path
    for path in LOOKS:
        assert (await call(still_gate, key, "GET", path)).status_code == 200, path
    uuid = (await still_gate.create(own)).json()["aiRecord"]["uuid"]
    for method, path in (("POST", f"/api/v1/generations/{uuid}/cancel"),
                         ("DELETE", f"/api/v1/generations/{uuid}"),
                         ("DELETE", f"/v1/videos/{uuid}"),
                         ("POST", "/api/v1/webhooks/endpoints")):  # fmt: skip
        assert (await call(still_gate, key, method, path)).status_code == 403, path
    assert (await call(still_gate, key, "GET", f"/api/results/{uuid}")).status_code == 200
    assert (await call(still_gate, key, "POST", "/api/v1/events/token")).status_code == 201


async def test_a_key_for_a_page_creates_and_looks_at_nothing_else(still_gate: Gateway) -> None:
    await still_gate.member()
    key = await key_of(still_gate, scopes=(Scope.GENERATE,))
    for path in LOOKS:
        refused = await call(still_gate, key, "GET", path)
        assert refused.status_code == 403, (path, refused.text)
        assert "needs read" in refused.text
    made = await call(still_gate, key, "POST", "/api/v1/generations", REST)
    assert made.status_code == 202
    of_one = f"/api/v1/events/token?generation_id={made.json()['id']}"
    assert (await call(still_gate, key, "POST", of_one)).status_code == 201
    of_all = await call(still_gate, key, "POST", "/api/v1/events/token")
    assert of_all.status_code == 403
    assert "name it in `generation_id`" in of_all.text
    canceled = await call(
        still_gate, key, "POST", f"/api/v1/generations/{made.json()['id']}/cancel"
    )
    assert canceled.status_code == 200


async def test_every_key_may_look_at_what_it_may(still_gate: Gateway) -> None:
    await still_gate.member(role=Role.ADMIN)
    for scope in Scope:
        key = await key_of(
            still_gate, scopes=(scope,), models=("ray-v3",), addresses=("127.0.0.0/8", "::1"),
            rate_per_minute=30, max_open=2,
        )  # fmt: skip
        me = (await call(still_gate, key, "GET", "/api/v1/me")).json()
        assert me["key"]["scopes"] == [scope.value]
        assert me["key"]["models"] == ["ray-v3"]
        assert me["key"]["addresses"] == ["127.0.0.0/8", "::1/128"]
        assert (me["key"]["max_open"], me["key"]["open"]) == (2, 0)
        assert me["key"]["rate"] == {
            "per_minute": 30, "burst": 30, "remaining": 30, "reset_seconds": 0,
        }  # fmt: skip


async def test_an_administrators_key_acts_for_the_team_only_with_that_scope(
    still_gate: Gateway,
) -> None:
    lead, ada = await still_gate.member("lead", role=Role.ADMIN), await still_gate.member("ada")
    uuid = (await still_gate.create(ada)).json()["aiRecord"]["uuid"]
    path = f"/api/v1/generations/{uuid}"
    assert (await call(still_gate, lead, "GET", path)).status_code == 200
    narrow = await key_of(still_gate, "lead", scopes=(Scope.READ, Scope.GENERATE))
    assert (await call(still_gate, narrow, "GET", path)).status_code == 404
    assert (await call(still_gate, narrow, "GET", "/api/v1/usage?scope=team")).status_code == 403


async def test_an_operators_key_operates_only_with_that_scope(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, operator_team=TEAM) as gate:
        await gate.member(role=Role.ADMIN)
        usual = await key_of(gate, scopes=(Scope.GENERATE, Scope.READ, Scope.TEAM))
        refused = await call(gate, usual, "GET", "/api/v1/admin/pauses")
        assert refused.status_code == 403
        assert refused.json()["needed_scope"] == "operate"
        operating = await key_of(gate, scopes=(Scope.OPERATE,))
        assert (await call(gate, operating, "GET", "/api/v1/admin/pauses")).status_code == 200
        assert (await gate.create(operating)).status_code == 403


@pytest.mark.parametrize("path", CREATES)
async def test_a_model_that_the_key_may_not_use_is_refused_in_every_api(
    still_gate: Gateway, path: str
) -> None:
    await still_gate.member()
    key = await key_of(still_gate, models=("ray-v2-flash",))
    refused = await call(still_gate, key, "POST", path, CREATES[path])
    assert refused.status_code == 403, refused.text
    assert "may not use the model ray-v" in refused.text
    assert "ray-v2-flash" in refused.text


@pytest.mark.parametrize(
    ("networks", "status"),
    [(("127.0.0.1",), 202), (("10.0.0.0/8", "127.0.0.0/24"), 202), (("10.0.0.0/8",), 403),
     (("::1",), 403)],
)  # fmt: skip
async def test_a_key_is_used_from_its_addresses_only(
    still_gate: Gateway, networks: tuple[str, ...], status: int
) -> None:
    await still_gate.member()
    answer = await still_gate.create(await key_of(still_gate, addresses=networks))
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "may not be used from the address 127.0.0.1" in answer.text


async def test_the_address_is_the_one_that_a_trusted_proxy_names(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, trusted_proxies=["127.0.0.0/8"]
    ) as gate:
        await gate.member()
        key = await key_of(gate, addresses=("192.0.2.0/24",))
        for named, status in (("192.0.2.7", 202), ("198.51.100.1", 403)):
            answer = await gate.create(key, X_Forwarded_For=named)
            assert answer.status_code == status, answer.text


async def test_a_rate_of_its_own_binds_the_key_and_no_other(
    timeless: tuple[Gateway, HandClock],
) -> None:
    gate, clock = timeless
    other = await gate.member(rate_per_minute=600, rate_burst=100, max_open=100)
    key = await key_of(gate, rate_per_minute=6, rate_burst=2)
    for left in (1, 0):
        answer = await gate.create(key)
        assert answer.status_code == 202
        assert f'"key";r={left}' in answer.headers["RateLimit"]
        assert '"key";q=2;w=20' in answer.headers["RateLimit-Policy"]
    refused = await gate.create(key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert refused.json()["context"] == {"limit": "key_rate_per_minute", "limit_value": 6}
    fine = await gate.create(other)
    assert (fine.status_code, '"key"' in fine.headers["RateLimit"]) == (202, False)
    rotated = (await keys.rotate_key(gate.rt, key, overlap_seconds=60, actor=TESTER)).secret
    assert (await gate.create(rotated)).status_code == 429
    clock.move(10)
    assert (await gate.create(rotated)).status_code == 202
    assert (await gate.create(key)).status_code == 429


async def test_a_cap_of_its_own_binds_the_key_and_no_other(still_gate: Gateway) -> None:
    other = await still_gate.member()
    key = await key_of(still_gate, max_open=1)
    first = await still_gate.create(key)
    assert first.status_code == 202
    refused = await still_gate.create(key)
    assert refused.status_code == 429
    assert refused.json()["context"] == {
        "limit": "key_max_open", "limit_value": 1, "used_value": 1,
    }  # fmt: skip
    assert (await still_gate.create(other)).status_code == 202
    uuid = first.json()["aiRecord"]["uuid"]
    await call(still_gate, other, "POST", f"/api/v1/generations/{uuid}/cancel")
    assert (await still_gate.create(key)).status_code == 202


@pytest.mark.parametrize(
    ("restrictions", "field"),
    [
        ({"rate_per_minute": 0}, "rate_per_minute"), ({"rate_burst": 5}, "rate_burst"),
        ({"max_open": 0}, "max_open"), ({"models": ()}, "models"),
        ({"models": ("nobodys-1",)}, "models"), ({"addresses": ()}, "addresses"),
        ({"addresses": ("10.0.0.1/8",)}, "addresses"), ({"addresses": ("localhost",)}, "addresses"),
        ({"addresses": ("10.0.0.1",) * 51}, "addresses"),
        ({"scopes": ()}, "scopes"),
    ],
)  # fmt: skip
async def test_what_cannot_be_kept_is_refused_by_its_field(
    still_gate: Gateway, restrictions: dict[str, Any], field: str
) -> None:
    own = await still_gate.member()
    with pytest.raises(InvalidRequest, match=f"^{field}: ") as refused:
        await key_of(still_gate, **restrictions)
    assert [issue.field for issue in refused.value.issues] == [field]
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        await keys.limit_key(
            still_gate.rt, own, restrict=lambda _: Restrictions(**restrictions), actor=TESTER
        )


ALL = Restrictions()
NARROW = Restrictions(
    scopes=(Scope.READ, Scope.GENERATE), models=("ray-v3",), rate_per_minute=10, rate_burst=5,
    max_open=2, addresses=("10.0.0.0/8", "2001:db8::/32"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True), ({"scopes": (Scope.READ,)}, True), ({"scopes": (Scope.TEAM,)}, False),
        ({"models": None}, False), ({"models": ("ray-v2-flash",)}, False),
        ({"rate_per_minute": 9}, True), ({"rate_per_minute": 11}, False),
        ({"rate_per_minute": None, "rate_burst": None}, False), ({"rate_burst": 6}, False),
        ({"max_open": 1}, True), ({"max_open": 3}, False), ({"max_open": None}, False),
        ({"addresses": ("10.1.0.0/16", "2001:db8:1::/48")}, True), ({"addresses": None}, False),
        ({"addresses": ("10.0.0.0/7",)}, False), ({"addresses": ("11.0.0.0/8",)}, False),
        ({"addresses": ("10.0.0.0/8", "192.0.2.1")}, False), ({"addresses": ("::/0",)}, False),
    ],
)  # fmt: skip
def test_nothing_is_allowed_beyond_what_a_key_may_itself(
    change: dict[str, Any], allowed: bool
) -> None:
    other = replace(NARROW, **change).checked(BUILT_IN.models)
    assert NARROW.allows(other) is allowed
    assert ALL.allows(other)
    assert NARROW.allows(ALL) is False
