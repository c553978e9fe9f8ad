"""What a key may do less than its member, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.caller import Role
from tests.api.desk import Desk
from tests.api.test_keys import ADMIN, OWN
from tests.harness.gateway import Gateway

NARROW = {
    "scopes": ["generate"], "models": ["ray-v3"], "addresses": ["127.0.0.1", "192.0.2.0/24"],
    "rate_per_minute": 30, "rate_burst": 5, "max_open": 2,
}  # fmt: skip


def restrictions(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in NARROW}


async def test_a_narrow_key_is_made_shown_rotated_and_changed(still_gate: Gateway) -> None:
    lead = Desk(still_gate, await still_gate.member("lead", role=Role.ADMIN))
    ada = Desk(still_gate, await still_gate.member("ada"))
    made = await ada("POST", OWN, {"name": "page", **NARROW})
    assert made.status_code == 201, made.text
    shown = {**NARROW, "addresses": ["127.0.0.1/32", "192.0.2.0/24"]}
    assert restrictions(made.json()) == shown
    refused = await Desk(still_gate, made.json()["secret"])("GET", "/api/v1/generations")
    assert (refused.status_code, refused.json()["needed_scope"]) == (403, "read")
    rotated = await ada("POST", f"{OWN}/{made.json()['id']}/rotate")
    assert restrictions(rotated.json()) == shown

    path = f"{ADMIN}/{rotated.json()['id']}"
    narrower = await lead("PATCH", path, {"max_open": 1})
    assert narrower.status_code == 200, narrower.text
    assert restrictions(narrower.json()) == {**shown, "max_open": 1}
    wider = {"rate_per_minute": None, "models": None, "scopes": ["read", "generate"]}
    refused = await lead("PATCH", path, wider)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["errors"]] == ["reason"]
    widened = await lead("PATCH", path, {**wider, "reason": "the page shows lists now"})
    assert restrictions(widened.json()) == {
        **shown, "rate_per_minute": None, "rate_burst": None, "models": None, "max_open": 1,
        "scopes": ["generate", "read"],
    }  # fmt: skip
    # Both keys of the account are changed.
    assert [key["max_open"] for key in (await ada("GET", OWN)).json()["data"]] == [None, 1, 1]


async def test_a_narrow_key_makes_no_wider_one(still_gate: Gateway) -> None:
    ada = Desk(still_gate, await still_gate.member())
    made = await ada("POST", OWN, {"scopes": ["generate", "read"], "max_open": 2})
    narrow = Desk(still_gate, made.json()["secret"])
    for wider in ({}, {"scopes": ["generate"]}, {"scopes": ["team"], "max_open": 1},
                  {"scopes": ["read"], "max_open": 3}):  # fmt: skip
        refused = await narrow("POST", OWN, wider)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied"), wider
        assert "none that may do more than itself" in refused.json()["detail"]
    assert (await narrow("POST", OWN, {"scopes": ["read"], "max_open": 2})).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [("scopes", []), ("scopes", ["admin"]), ("models", ["nobodys-1"]), ("models", []),
     ("addresses", ["localhost"]), ("addresses", ["10.0.0.1/8"]), ("addresses", []),
     ("addresses", [7]), ("rate_per_minute", 0), ("rate_burst", 3), ("max_open", -1),
     ("max_open", "2"), ("max_open", 2.5)],
)  # fmt: skip
async def test_what_cannot_be_kept_is_refused_by_its_field(
    still_gate: Gateway, field: str, value: Any
) -> None:
    ada = Desk(still_gate, await still_gate.member())
    refused = await ada("POST", OWN, {field: value})
    assert refused.status_code == 422, refused.text
    assert {each["field"].split(".")[0] for each in refused.json()["errors"]} == {field}
    assert len((await ada("GET", OWN)).json()["data"]) == 1
