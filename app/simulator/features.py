"""`POST /api/features`: one submission, answered at once or when the video exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.simulator import disconnects, error_bodies, pace, refusals, wire
from app.simulator.accounts import Account
from app.simulator.faults import FEATURES, Fault
from app.simulator.records import Record, storage_key
from app.simulator.refusals import JsonAnswer, Refusal
from app.simulator.state import Studio, studio_of


@dataclass(frozen=True, slots=True)
class Asking:
    """One POST on its way through."""

    studio: Studio
    request: Request
    raw: bytes
    prompt: str | None

    def note(self, outcome: str, record: Record | None = None) -> None:
        self.studio.note(
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
        return disconnects.Cut()
    body = wire.parse_json(raw)
    asking = Asking(studio_of(request), request, raw, wire.prompt_of(body))
    try:
        account = asking.studio.admit(request)
        return await _work(asking, account, body)
    except Refusal as refusal:
        asking.note(f"refused:{refusal.code}")
        return refusal.answer()


async def _work(asking: Asking, account: Account, body: dict[str, Any] | None) -> Response:
    studio = asking.studio
    fault = studio.script.find(FEATURES, prompt=asking.prompt, account=account.fingerprint)
    if fault is not None and fault.name == "delay":
        await disconnects.wait(asking.request.receive, fault["seconds"])
    answer = _instead(asking, fault)
    if answer is not None and not (fault and fault.options.get("accepted")):
        return answer
    submission = wire.parse(body)
    record = _accept(asking, account.fingerprint, submission, fault)
    if answer is not None:
        return answer
    if fault is not None and fault.name == "reset_after":
        return disconnects.Cut()
    if fault is not None and fault.name == "hang":
        return disconnects.Hang(fault["seconds"])
    if submission.held:
        await _hold(asking, record)
    # Answered at once is answered as it was taken, however fast the render and slow the machine.
    moment = None if submission.held else record.created_at
    return disconnects.spoiled(_show(asking, account, record, fault, moment), fault)


def _instead(asking: Asking, fault: Fault | None) -> Response | None:
    """The answer of a fault that does not come to the work, or hides that it did."""
    if fault is None:
        return None
    if fault.name == "reset_before":
        asking.note(fault.name)
        return disconnects.Cut()
    answer = error_bodies.answer(fault, asking.studio.config.price)
    if answer is not None and not fault.options.get("accepted"):
        asking.note(fault.name)
    return answer


def _accept(
    asking: Asking, fingerprint: str, submission: wire.Submission, fault: Fault | None
) -> Record:
    """Record and bill. From here on the video gets made, whatever becomes of the connection.

    No await between reading the account and billing it, so two requests cannot share a balance.
    """
    studio = asking.studio
    account = studio.books.account(fingerprint, studio.now())
    record = make_record(studio, account, submission, fault)
    if record.billed > account.balance:
        raise refusals.insufficient_credits(record.billed, account.balance)
    with studio.books.transaction():
        studio.books.add(record)
        asking.note(fault.name if fault else "accepted", record)
    return record


def make_record(
    studio: Studio, account: Account, submission: wire.Submission, fault: Fault | None
) -> Record:
    uuid, now = uuid4(), studio.now()
    failure = error_bodies.failure(fault, studio.config.price) if fault else None
    fate = _fate(fault) | ({"failure": failure} if failure else {})
    finish_at = now + _seconds(studio, submission, fault, uuid)
    billed = studio.config.price
    if failure is not None and not (fault and fault.options.get("billed")):
        billed = 0
    return Record(
        uuid=uuid,
        account=account.fingerprint,
        created_at=now,
        finish_at=finish_at,
        storage_key=storage_key(uuid, finish_at),
        spec=submission.spec,
        asked=submission.asked,
        billed=billed,
        used_before=account.used,
        fate=fate,
    )


def _seconds(studio: Studio, submission: wire.Submission, fault: Fault | None, uuid: UUID) -> float:
    """Until the record is what it becomes."""
    if fault is not None and fault.name in ("early_success", "failed_200", "insufficient_credits"):
        return 0.0
    if fault is not None and fault.name in ("fail_later", "turn_null"):
        asked = fault["seconds"]
        if asked is not None:
            return float(asked)
    return pace.life_seconds(submission.spec, uuid) / studio.config.speed


def _fate(fault: Fault | None) -> dict[str, Any]:
    """What the books keep of a fault: what a look at the record will show."""
    if fault is None:
        return {}
    if fault.name in ("never_finish", "turn_null"):
        return {"name": fault.name}
    if fault.name == "unknown_status":
        return {"name": fault.name, "word": fault["word"]}
    return {}


async def _hold(asking: Asking, record: Record) -> None:
    forever = record.fate.get("name") == "never_finish"
    moment = float("inf") if forever else record.finish_at
    await disconnects.wait_until(asking.request.receive, moment, asking.studio.now)


def _show(
    asking: Asking, account: Account, record: Record, fault: Fault | None, moment: float | None
) -> JsonAnswer:
    studio = asking.studio
    body = studio.show(asking.request, record, account, used=record.used_before, at=moment)
    if fault is not None and fault.name == "same_uuid" and body["aiRecord"]:
        previous = studio.books.find_record_before(record)
        if previous is not None:
            body["aiRecord"]["uuid"] = str(previous.uuid)
    return JsonAnswer(body)
