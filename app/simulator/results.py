"""`GET /api/results/{uuid}`: the current state of a record."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.simulator import disconnects, error_bodies, wire
from app.simulator.accounts import Account
from app.simulator.faults import RESULTS, Fault
from app.simulator.records import Record
from app.simulator.refusals import JsonAnswer, Refusal
from app.simulator.state import Simulator, simulator_of


async def look_up(request: Request) -> Response:
    simulator = simulator_of(request)
    try:
        account = simulator.admit(request)
    except Refusal as refusal:
        simulator.log_request(request, RESULTS, f"refused:{refusal.code}")
        return refusal.answer()
    record = _find_own(simulator, request.path_params["uuid"], account)
    prompt = record.spec.facts.prompt if record else None
    fault = simulator.fault_rules.find(RESULTS, prompt=prompt, account=account.fingerprint)
    outcome = fault.name if fault else "found" if record else "unknown"
    simulator.log_request(request, RESULTS, outcome, uuid=record.uuid if record else None)
    if fault is not None and fault.name == "delay":
        await disconnects.wait(request.receive, fault["seconds"])
    answer = _error_answer(simulator, fault)
    if answer is not None:
        return answer
    body = _body(simulator, request, record, account, fault)
    return disconnects.with_fault(JsonAnswer(body), fault)


def _find_own(simulator: Simulator, uuid: str, account: Account) -> Record | None:
    """A record of another account is answered like an unknown one."""
    record = simulator.database.find_record(uuid)
    return record if record and record.account == account.fingerprint else None


def _error_answer(simulator: Simulator, fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.name in ("reset_before", "reset_after"):
        return disconnects.Reset()
    if fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    return error_bodies.answer(fault, simulator.config.price)


def _body(
    simulator: Simulator,
    request: Request,
    record: Record | None,
    account: Account,
    fault: Fault | None,
) -> dict[str, Any]:
    if record is None or (fault is not None and fault.name == "turn_null"):
        return wire.no_record()
    body = simulator.render_record(request, record, account, used=account.used)
    if fault is not None and fault.name == "no_team_user":
        wire.hide_team_user(body)
    if fault is not None and fault.name == "unknown_status" and body["aiRecord"]:
        body["aiRecord"]["status"] = fault["word"]
        body["aiRecord"]["aiRecordDetail"]["resultObject"] = []
        body["aiRecord"].pop("temporaryUrl", None)
    return body
