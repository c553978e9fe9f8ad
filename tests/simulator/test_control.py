"""Fault rules and account changes, valid and invalid."""

from __future__ import annotations

from typing import Any

import pytest

from app.simulator.accounts import fingerprint
from app.simulator.faults import FAULTS
from tests.simulator.conftest import KEY, Client


async def test_every_fault_is_listed(still: Client) -> None:
    listed = (await still.http.get("/_simulator/faults")).json()
    assert set(listed) == set(FAULTS)
    assert all(each["description"] and each["paths"] for each in listed.values())


async def test_rules_apply_in_order_up_to_their_limit(still: Client) -> None:
    await still.fault("http_500", times=2)
    await still.fault("http_503", times=None)
    statuses = [(await still.post()).status_code for _ in range(4)]
    assert statuses == [500, 500, 503, 503]
    rules = (await still.http.get("/_simulator/rules")).json()["rules"]
    assert [(rule["times"], rule["hits"]) for rule in rules] == [(2, 2), (None, 2)]
    assert (await still.http.delete("/_simulator/rules")).json() == {"rules": []}
    assert (await still.post()).status_code == 200


@pytest.mark.parametrize("account", [KEY, fingerprint(KEY)])
async def test_rules_match_prompt_and_account(still: Client, account: str) -> None:
    await still.fault("http_500", {"prompt_contains": "lion", "account": account}, times=None)
    assert (await still.post("a lion")).status_code == 500
    assert (await still.post("a fish")).status_code == 200
    still.http.headers["API-KEY"] = "other"
    assert (await still.post("a lion")).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        None,
        [],
        {},
        {"fault": {"name": "no_such_fault"}},
        {"fault": {"name": "hang", "second": 1}},
        {"fault": {"name": "hang", "seconds": "long"}},
        {"fault": {"name": "hang", "seconds": True}},
        {"fault": {"name": "failed_200", "shape": "round"}},
        {"fault": {"name": "hang"}, "times": 0},
        {"fault": {"name": "hang"}, "match": {"prompt": "a lion"}},
        {"fault": {"name": "hang"}, "match": {"path": "elsewhere"}},
        {"fault": {"name": "link_gone"}, "match": {"path": "features"}},
        {"fault": {"name": "hang"}, "matches": {}},
    ],
)
async def test_an_invalid_rule_is_refused(still: Client, rule: Any) -> None:
    answer = await still.http.post("/_simulator/rules", json=rule)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await still.http.get("/_simulator/rules")).json() == {"rules": []}


@pytest.mark.parametrize("rejected", ["deleted", "inactive"])
async def test_one_key_can_be_rejected_and_accepted_again(still: Client, rejected: str) -> None:
    set_to = {"key": KEY, "rejected": rejected}
    answer = await still.http.post("/_simulator/account", json=set_to)
    assert answer.json()["rejected"] == rejected
    assert (await still.post()).status_code == 401
    assert (await still.http.get("/api/results/x")).status_code == 401
    assert (await still.http.get("/api/results/x", headers={"API-KEY": "o"})).status_code == 200
    await still.http.post("/_simulator/account", json={"key": KEY, "rejected": None})
    assert (await still.post()).status_code == 200


async def test_credits_can_be_set_for_one_key(still: Client) -> None:
    change = {"key": KEY, "credit_limit": 1_000_000, "used_credit": 900_000}
    await still.http.post("/_simulator/account", json=change)
    assert (await still.post()).json()["errorCode"] == "INSUFFICIENT_CREDITS"
    still.http.headers["API-KEY"] = "other"
    assert (await still.submit())["teamUser"]["usedCredit"] == 0


async def test_a_change_can_apply_to_every_present_and_future_account(still: Client) -> None:
    await still.submit()
    await still.http.post("/_simulator/account", json={"used_credit": 7, "rejected": None})
    assert (await still.submit())["teamUser"]["usedCredit"] == 7
    still.http.headers["API-KEY"] = "new"
    assert (await still.submit())["teamUser"]["usedCredit"] == 7


async def test_credits_are_added_and_spent_by_others(still: Client) -> None:
    await still.submit()
    change = {"used_credit_change": 5, "credit_limit_change": -7}
    answer = await still.http.post("/_simulator/account", json=change)
    assert answer.json() == {"accounts": "all"}
    figures = (await still.submit())["teamUser"]
    assert (figures["usedCredit"], figures["creditLimit"]) == (150_005, 99_999_993)
    answer = await still.http.post(
        "/_simulator/account", json={"key": KEY, "used_credit_change": -(10**9)}
    )
    assert answer.json()["used_credit"] == 0


@pytest.mark.parametrize(
    "change",
    [None, {}, {"key": KEY}, {"key": 1, "used_credit": 1}, {"limit": 1}, {"credit_limit": -1},
     {"used_credit_change": 1.5}, {"credit_limit": True}, {"rejected": "perhaps"}],
)  # fmt: skip
async def test_an_invalid_account_change_is_refused(still: Client, change: Any) -> None:
    assert (await still.http.post("/_simulator/account", json=change)).status_code == 400
