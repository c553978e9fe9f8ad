"""`GET /api/results/{uuid}`: the record as it stands now."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.simulator import disconnects, error_bodies, wire
from app.simulator.accounts import Account
from app.simulator.faults import RESULTS, Fault
from app.simulator.records import Record
from app.simulator.refusals import JsonAnswer, Refusal
from app.simulator.state import Studio, studio_of


async def look_up(request: Request) -> Response:
    studio = studio_of(request)
    try:
        account = studio.admit(request)
    except Refusal as refusal:
        studio.note(request, RESULTS, f"refused:{refusal.code}")
        return refusal.answer()
    record = _find_own(studio, request.path_params["uuid"], account)
    prompt = record.spec.prompt if record else None
    fault = studio.script.find(RESULTS, prompt=prompt, account=account.fingerprint)
    outcome = fault.name if fault else "found" if record else "unknown"
    studio.note(request, RESULTS, outcome, uuid=record.uuid if record else None)
    if fault is not None and fault.name == "delay":
        await disconnects.wait(request.receive, fault["seconds"])
    instead = _instead(studio, fault)
    if instead is not None:
        return instead
    body = _body(studio, request, record, account, fault)
    return disconnects.spoiled(JsonAnswer(body), fault)


def _find_own(studio: Studio, uuid: str, account: Account) -> Record | None:
    """Another account's record is as unknown as none."""
    record = studio.books.find_record(uuid)
    return record if record and record.account == account.fingerprint else None


def _instead(studio: Studio, fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.name in ("reset_before", "reset_after"):
        return disconnects.Cut()
    if fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    return error_bodies.answer(fault, studio.config.price)


def _body(
    studio: Studio, request: Request, record: Record | None, account: Account, fault: Fault | None
) -> dict[str, Any]:
    if record is None or (fault is not None and fault.name == "turn_null"):
        return wire.nothing()
    body = studio.show(request, record, account, used=account.used)
    if fault is not None and fault.name == "unknown_status" and body["aiRecord"]:
        body["aiRecord"]["status"] = fault["word"]
        body["aiRecord"]["aiRecordDetail"]["resultObject"] = []
        body["aiRecord"].pop("temporaryUrl", None)
    return body
