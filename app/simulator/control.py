"""`/_simulator/…`: the endpoints that control the simulator. JSON in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.simulator import models
from app.simulator.accounts import REJECTIONS, Account, fingerprint
from app.simulator.faults import FAULTS, InvalidFault
from app.simulator.refusals import JsonAnswer
from app.simulator.state import simulator_of

_COLUMNS = {"credit_limit": "credit_limit", "used_credit": "used", "rejected": "rejected"}
_CHANGES = {"credit_limit_change": "credit_limit", "used_credit_change": "used"}


def _bad_request(message: str) -> Response:
    return JsonAnswer({"error": message}, 400)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        return None


async def list_faults(_: Request) -> Response:
    return JsonAnswer(
        {
            name: {
                "description": kind.description,
                "paths": list(kind.paths),
                "options": dict(kind.options),
            }
            for name, kind in FAULTS.items()
        }
    )


async def add_rule(request: Request) -> Response:
    try:
        rule = simulator_of(request).fault_rules.add(await _json(request))
    except InvalidFault as error:
        return _bad_request(str(error))
    return JsonAnswer(rule.to_json(), 201)


async def list_rules(request: Request) -> Response:
    return JsonAnswer(
        {"rules": [rule.to_json() for rule in simulator_of(request).fault_rules.rules]}
    )


async def clear_rules(request: Request) -> Response:
    simulator_of(request).fault_rules.clear()
    return JsonAnswer({"rules": []})


async def summary(request: Request) -> Response:
    return JsonAnswer(simulator_of(request).database.summary())


async def change_account(request: Request) -> Response:
    """`{key?, credit_limit?, used_credit?, rejected?}`. Without `key`, the change applies to every
    existing and every future account. `rejected` is deleted, inactive or null.
    `credit_limit_change` and `used_credit_change` add to the figures of existing accounts, as a
    bonus, a top-up or another user of the account does."""
    body = await _json(request)
    try:
        values, changes = _account_values(body), _account_changes(body)
    except InvalidFault as error:
        return _bad_request(str(error))
    simulator, key = simulator_of(request), body.get("key")
    own = None if key is None else fingerprint(key)
    if own is not None:
        simulator.database.account(own, simulator.now())
    if values:
        simulator.database.change_accounts(values, own)
    simulator.database.add_to_accounts(changes, own)
    if key is None:
        return JsonAnswer({"accounts": "all"})
    return JsonAnswer(_account_json(simulator.database.account(fingerprint(key), simulator.now())))


def _account_values(body: Any) -> dict[str, Any]:
    known = {*_COLUMNS, *_CHANGES}
    if not isinstance(body, dict) or set(body) - {"key", *known} or not set(body) & known:
        raise InvalidFault(f"give one or more of {', '.join(sorted(known))}, and optionally key")
    if not isinstance(body.get("key"), str | None):
        raise InvalidFault("key must be a string")
    if body.get("rejected") not in (None, *REJECTIONS):
        raise InvalidFault(f"rejected must be null or one of {', '.join(REJECTIONS)}")
    for name in ("credit_limit", "used_credit"):
        if name in body and (type(body[name]) is not int or body[name] < 0):
            raise InvalidFault(f"{name} must be an integer, 0 or more")
    return {_COLUMNS[name]: value for name, value in body.items() if name in _COLUMNS}


def _account_changes(body: Mapping[str, Any]) -> dict[str, int]:
    for name in set(body) & set(_CHANGES):
        if type(body[name]) is not int:
            raise InvalidFault(f"{name} must be an integer")
    return {_CHANGES[name]: value for name, value in body.items() if name in _CHANGES}


def _account_json(account: Account) -> dict[str, Any]:
    return {
        "key_fingerprint": account.fingerprint,
        "credit_limit": account.credit_limit,
        "used_credit": account.used,
        "rejected": account.rejected,
    }


async def change_models(request: Request) -> Response:
    """Differences between the models that are made and those that are listed, as `models.listed`
    takes them; each call replaces those before."""
    try:
        simulator_of(request).changes = models.checked(await _json(request))
    except ValueError as error:
        return _bad_request(str(error))
    return JsonAnswer({"changes": simulator_of(request).changes}, 201)


ROUTES = [
    Route("/_simulator/faults", list_faults, methods=["GET"]),
    Route("/_simulator/rules", add_rule, methods=["POST"]),
    Route("/_simulator/rules", list_rules, methods=["GET"]),
    Route("/_simulator/rules", clear_rules, methods=["DELETE"]),
    Route("/_simulator/summary", summary, methods=["GET"]),
    Route("/_simulator/models", change_models, methods=["POST"]),
    Route("/_simulator/account", change_account, methods=["POST"]),
]
