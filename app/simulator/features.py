"""`POST /api/features`: takes a submission and answers at once or when the video exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.errors import Issue
from app.simulator import disconnects, error_bodies, refusals, render_time, wire
from app.simulator.accounts import Account
from app.simulator.faults import FEATURES, Fault
from app.simulator.records import Record, storage_key
from app.simulator.refusals import JsonAnswer, Refusal
from app.simulator.state import Simulator, simulator_of


@dataclass(frozen=True, slots=True)
class Call:
    """One POST being answered."""

    simulator: Simulator
    request: Request
    raw: bytes
    prompt: str | None

    def log(self, outcome: str, record: Record | None = None) -> None:
        self.simulator.log_request(
            self.request,
            FEATURES,
            outcome,
            body=self.raw,
            prompt=self.prompt,
            uuid=record.uuid if record else None,
            billed=record.billed if record else 0,
        )


async def submit(request: Request) -> Response:
    try:
        raw = await request.body()
    except ClientDisconnect:
        return disconnects.Reset()
    body = wire.parse_json(raw)
    call = Call(simulator_of(request), request, raw, wire.prompt_of(body))
    try:
        account = call.simulator.admit(request)
        return await _work(call, account, body)
    except Refusal as refusal:
        call.log(f"refused:{refusal.code}")
        return refusal.answer()


async def _work(call: Call, account: Account, body: dict[str, Any] | None) -> Response:
    simulator = call.simulator
    fault = simulator.fault_rules.find(FEATURES, prompt=call.prompt, account=account.fingerprint)
    if fault is not None and fault.name == "delay":
        await disconnects.wait(call.request.receive, fault["seconds"])
    answer = _error_answer(call, fault)
    if answer is not None and not (fault and fault.options.get("accepted")):
        return answer
    submission = wire.parse(body, simulator.config.catalog)
    _check_assets(simulator, account, submission)
    record = _accept(call, account.fingerprint, submission, fault)
    if answer is not None:
        return answer
    if fault is not None and fault.name == "reset_after":
        return disconnects.Reset()
    if fault is not None and fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    if submission.held:
        await _wait_for_video(call, record)
    # In async mode the answer shows the record as created, even if its render is over by now.
    moment = None if submission.held else record.created_at
    return disconnects.with_fault(_body(call, account, record, fault, moment), fault)


def _check_assets(simulator: Simulator, account: Account, submission: wire.Submission) -> None:
    """A file of another account is answered like one that is not there."""
    issues = [
        Issue(f"promptObject.{name}", "value", f"{name} must be the path of an uploaded asset")
        for name, key in wire.assets_of(submission, simulator.config.catalog)
        if simulator.database.find_asset(key, account.fingerprint) is None
    ]
    if issues:
        raise refusals.prompt_object_invalid(issues)


def _error_answer(call: Call, fault: Fault | None) -> Response | None:
    """The answer of a fault that replaces the work, or that hides that the work was done."""
    if fault is None:
        return None
    if fault.name == "reset_before":
        call.log(fault.name)
        return disconnects.Reset()
    answer = error_bodies.answer(fault, call.simulator.config.price)
    if answer is not None and not fault.options.get("accepted"):
        call.log(fault.name)
    return answer


def _accept(
    call: Call, fingerprint: str, submission: wire.Submission, fault: Fault | None
) -> Record:
    """Make and bill the record. From here on the video is made, even if the connection breaks.

    There is no await between reading the account and billing it, so two requests cannot spend the
    same balance.
    """
    simulator = call.simulator
    account = simulator.database.account(fingerprint, simulator.now())
    record = make_record(simulator, account, submission, fault)
    if record.billed > account.balance:
        raise refusals.insufficient_credits(record.billed, account.balance)
    with simulator.database.transaction():
        simulator.database.add(record)
        call.log(fault.name if fault else "accepted", record)
    return record


def make_record(
    simulator: Simulator, account: Account, submission: wire.Submission, fault: Fault | None
) -> Record:
    uuid, now = uuid4(), simulator.now()
    failure = error_bodies.failure(fault, simulator.config.price) if fault else None
    fault_effect = _fault_effect(fault) | ({"failure": failure} if failure else {})
    finish_at = now + _seconds(simulator, submission, fault, uuid)
    billed = simulator.config.price
    if failure is not None and not (fault and fault.options.get("billed")):
        billed = 0
    return Record(
        uuid=uuid,
        account=account.fingerprint,
        created_at=now,
        finish_at=finish_at,
        storage_key=storage_key(uuid, finish_at),
        spec=submission.spec,
        prompt_object=submission.prompt_object,
        billed=billed,
        used_before=account.used,
        fault_effect=fault_effect,
    )


def _seconds(
    simulator: Simulator, submission: wire.Submission, fault: Fault | None, uuid: UUID
) -> float:
    """How long the record is PROCESSING."""
    if fault is not None and fault.name in ("early_success", "failed_200", "insufficient_credits"):
        return 0.0
    if fault is not None and fault.name in ("fail_later", "turn_null"):
        seconds = fault["seconds"]
        if seconds is not None:
            return float(seconds)
    return render_time.render_seconds(submission.spec, uuid) / simulator.config.speed


def _fault_effect(fault: Fault | None) -> dict[str, Any]:
    """What is stored with the record, because the fault changes what later look-ups show."""
    if fault is None:
        return {}
    if fault.name in ("never_finish", "turn_null"):
        return {"name": fault.name}
    if fault.name == "unknown_status":
        return {"name": fault.name, "word": fault["word"]}
    return {}


async def _wait_for_video(call: Call, record: Record) -> None:
    forever = record.fault_effect.get("name") == "never_finish"
    moment = float("inf") if forever else record.finish_at
    await disconnects.wait_until(call.request.receive, moment, call.simulator.now)


def _body(
    call: Call, account: Account, record: Record, fault: Fault | None, moment: float | None
) -> JsonAnswer:
    simulator = call.simulator
    body = simulator.render_record(
        call.request, record, account, used=record.used_before, at=moment
    )
    if fault is not None and fault.name == "no_team_user":
        wire.hide_team_user(body)
    if fault is not None and fault.name == "same_uuid" and body["aiRecord"]:
        previous = simulator.database.find_previous_record(record)
        if previous is not None:
            body["aiRecord"]["uuid"] = str(previous.uuid)
    return JsonAnswer(body)
