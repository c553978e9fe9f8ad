"""`/_simulator/…`: what a test or a person steers the simulator with. JSON in, JSON out."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.simulator.accounts import REJECTIONS, Account, fingerprint
from app.simulator.faults import FAULTS, InvalidFault
from app.simulator.refusals import JsonAnswer
from app.simulator.state import studio_of


def _wrong(message: str) -> Response:
    return JsonAnswer({"error": message}, 400)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        return None


async def list_faults(_: Request) -> Response:
    return JsonAnswer(
        {
            name: {"says": kind.says, "where": list(kind.where), "options": dict(kind.options)}
            for name, kind in FAULTS.items()
        }
    )


async def add_rule(request: Request) -> Response:
    try:
        rule = studio_of(request).script.add(await _json(request))
    except InvalidFault as error:
        return _wrong(str(error))
    return JsonAnswer(rule.to_json(), 201)


async def list_rules(request: Request) -> Response:
    return JsonAnswer({"rules": [rule.to_json() for rule in studio_of(request).script.rules]})


async def clear_rules(request: Request) -> Response:
    studio_of(request).script.clear()
    return JsonAnswer({"rules": []})


async def books(request: Request) -> Response:
    return JsonAnswer(studio_of(request).books.summary())


async def change_account(request: Request) -> Response:
    """`{key?, credit_limit?, used_credit?, rejected?}`; no `key`: all there are and will be.
    `rejected` is deleted, inactive or null."""
    body = await _json(request)
    try:
        values = _account_values(body)
    except InvalidFault as error:
        return _wrong(str(error))
    studio, key = studio_of(request), body.get("key")
    if key is None:
        studio.books.change_accounts(values, None)
        return JsonAnswer({"accounts": "all"})
    studio.books.account(fingerprint(key), studio.now())
    studio.books.change_accounts(values, fingerprint(key))
    return JsonAnswer(_shown(studio.books.account(fingerprint(key), studio.now())))


def _account_values(body: Any) -> dict[str, Any]:
    columns = {"credit_limit": "credit_limit", "used_credit": "used", "rejected": "rejected"}
    if not isinstance(body, dict) or set(body) - {"key", *columns} or not set(body) & set(columns):
        raise InvalidFault("give credit_limit, used_credit or rejected, and perhaps key")
    if not isinstance(body.get("key"), str | None):
        raise InvalidFault("key must be a string")
    if body.get("rejected") not in (None, *REJECTIONS):
        raise InvalidFault(f"rejected must be null or one of {', '.join(REJECTIONS)}")
    for name in ("credit_limit", "used_credit"):
        if name in body and (type(body[name]) is not int or body[name] < 0):
            raise InvalidFault(f"{name} must be a number from 0")
    return {columns[name]: value for name, value in body.items() if name != "key"}


def _shown(account: Account) -> dict[str, Any]:
    return {
        "key_fingerprint": account.fingerprint,
        "credit_limit": account.credit_limit,
        "used_credit": account.used,
        "rejected": account.rejected,
    }


ROUTES = [
    Route("/_simulator/faults", list_faults, methods=["GET"]),
    Route("/_simulator/script", add_rule, methods=["POST"]),
    Route("/_simulator/script", list_rules, methods=["GET"]),
    Route("/_simulator/script", clear_rules, methods=["DELETE"]),
    Route("/_simulator/books", books, methods=["GET"]),
    Route("/_simulator/account", change_account, methods=["POST"]),
]
