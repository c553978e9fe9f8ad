"""Each check finds what it is for: a sound run with one thing made wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.chaos import checks, plan
from tests.chaos.checks import CHECKS, Case
from tests.chaos.clients import Ledger
from tests.chaos.evidence import Evidence
from tests.chaos.faults import SUBMISSION, Fault
from tests.chaos.receivers import Heard

PRICE = plan.PRICE
ASK = dataclasses.replace(
    plan.make(generations=2, minutes=1, seed=1).asks[0], faults=(), image=None
)
FILE = (1000, "ab" * 32)


def generation(**changes: Any) -> dict[str, Any]:
    """One that went well."""
    return {
        "id": "g1", "prompt": ASK.prompt, "state": "succeeded", "quote": PRICE, "settled": PRICE,
        "upstream_id": "u1", "member": "ample-0", "asset": "archived", "path": "videos/g1.mp4",
        "size_bytes": FILE[0], "sha256": FILE[1], "last_error": None, "held": False,
        "used": PRICE, "jobs": 0, **changes,
    }  # fmt: skip


def lost(**changes: Any) -> dict[str, Any]:
    """One that is unknown, with nothing known of it."""
    bare: dict[str, Any] = {
        "state": "unknown", "settled": None, "upstream_id": None, "unknown_reason": None,
        "asset": None, "path": None,
        "held": True, "used": PRICE,
    }  # fmt: skip
    return generation(**{**bare, **changes})


def submission(**changes: Any) -> dict[str, Any]:
    return {"prompt": ASK.prompt, "uuid": "u1", "billed": PRICE, "outcome": "accepted", **changes}


def case(
    *generations: dict[str, Any],
    submissions: list[dict[str, Any]] | None = None,
    faults: tuple[Fault, ...] = (),
    **changes: Any,
) -> Case:
    evidence: dict[str, Any] = {
        "generations": generations or (generation(),),
        "submissions": [submission()] if submissions is None else submissions,
        "overshoots": [], "looks": 10, "files": {"videos/g1.mp4": FILE},
    }  # fmt: skip
    ledger = changes.pop("ledger", Ledger(accepted={ASK.number: {"g1"}}))
    ledger.heard = changes.pop("heard", ())
    ask = dataclasses.replace(
        ASK, faults=faults, told=changes.pop("told", False), image=changes.pop("image", None)
    )
    return Case({ask.prompt: ask}, ledger, Evidence(**{**evidence, **changes}))


def found(tried: Case) -> set[str]:
    return {name for name, check in CHECKS.items() if list(check(tried))}


IMAGE = (500, "cd" * 32)


def image(**changes: Any) -> dict[str, Any]:
    """One that a generation is made of."""
    return {"id": "i1", "state": "ready", "path": "inputs/t/i1.png", "size_bytes": IMAGE[0],
            "sha256": IMAGE[1], "kept": True, **changes}  # fmt: skip


def pictured(
    *images: dict[str, Any], accounts: tuple[str, ...] = ("k1",), begins: bool = True,
    **changes: Any,
) -> Case:  # fmt: skip
    """A generation that begins with an image, which account `k1` has."""
    use = {"generation_id": "g1", "input_id": "i1", "prompt": ASK.prompt,
           "accounts": list(accounts)}  # fmt: skip
    given: dict[str, Any] = {
        "inputs": images or (image(),), "uses": [use],
        "submissions": [submission(key_fingerprint="k1")],
        "files": {"videos/g1.mp4": FILE, "inputs/t/i1.png": IMAGE}, **changes,
    }  # fmt: skip
    return case(image=1 if begins else None, **given)


def heard(type_: str = "video.completed", **changes: str) -> Heard:
    return Heard(ASK.number, changes.get("message", "m1"), type_, changes.get("generation", "g1"))


def waiting(jobs: int) -> list[dict[str, Any]]:
    return [{"id": "d1", "generation_id": "g1", "type": "video.completed", "state": "pending",
             "attempts": 1, "jobs": jobs}]  # fmt: skip


UNACCEPTED = submission(uuid=None, billed=0)
SOUND = {
    "a video": case(),
    "told, and told again": case(told=True, heard=[heard(), heard()]),
    "still to be told": case(told=True, deliveries=waiting(jobs=1)),
    "unknown and not told": case(lost(), files={}, told=True),
    "sent again after a refusal": case(
        submissions=[{**UNACCEPTED, "outcome": "rate_limited"}, submission()]
    ),
    "sent again as the provider was limited": case(
        submissions=[{**UNACCEPTED, "outcome": "external_error"}, submission()],
        faults=(Fault("external_error", "features", {"provider_status": 429}),),
    ),
    "unknown and billed": case(lost(), files={}),
    "unknown and asked for": case(lost(upstream_id="u1", jobs=1), files={}),
    "unknown and another's": case(
        lost(upstream_id="u1", unknown_reason="record_of_another"), files={}
    ),
    "failed, billed without saying so": case(
        generation(state="failed", settled=0, asset=None, used=0),
        faults=tuple(fault for fault in SUBMISSION if fault.options.get("billed")),
        files={},
    ),
    "given the id of a record nobody knew of": case(
        generation(upstream_id="u2"),
        submissions=[submission(), submission(prompt="other", uuid="u2", billed=0)],
        faults=(Fault("same_uuid", "features"),),
    ),
    "begins with an image": pictured(),
    "an image was deleted": pictured(
        image(), image(id="i2", state="deleted", path=None, kept=False)
    ),
    "canceled": case(
        generation(state="canceled", settled=0, upstream_id=None, asset=None, used=0),
        submissions=[],
        files={},
    ),
}

LOST_IMAGE = "images of generations that are missing or changed"
LEFT_IMAGE = "images that nobody uses and nobody deletes"
NOT_THERE = "sent through an account without its image"
UNTOLD = "ended without a webhook, or with a wrong one"
WRONG = [
    ("submitted again although it may have been processed",
     case(submissions=[submission(outcome="reset_after"), submission()])),
    ("submitted again although it may have been processed",
     case(submissions=[{**UNACCEPTED, "outcome": "reset_before"}, submission()])),
    ("submitted again although it may have been processed",
     case(submissions=[{**UNACCEPTED, "outcome": "external_error"}, submission()])),
    ("two generations for one request", case(generation(), lost(id="g2"))),
    ("two generations for one request", case(generation(), lost(prompt=ASK.other_prompt))),
    ("accepted without a generation", case(ledger=Ledger(accepted={ASK.number: {"g2"}}))),
    ("refused with a generation", case(ledger=Ledger(refused={ASK.number}))),
    ("canceled and billed",
     case(generation(state="canceled", settled=0, used=0, asset=None), files={})),
    ("stuck", case(lost(state="submitting"), files={})),
    ("stuck", case(lost(upstream_id="u1"), files={})),
    ("stuck", case(generation(asset="pending", last_error="http_403"), files={})),
    ("billed and lost", case(submissions=[submission(), submission(prompt="nobody's")])),
    ("billed and lost",
     case(generation(state="failed", settled=0, used=0, asset=None), files={})),
    ("another request's video",
     case(generation(upstream_id="u2"),
          submissions=[submission(), submission(prompt="other", uuid="u2", billed=0)])),
    ("archived files that are missing, changed or without a row", case(files={})),
    ("archived files that are missing, changed or without a row",
     case(files={"videos/g1.mp4": (1000, "cd" * 32)})),
    ("archived files that are missing, changed or without a row",
     case(files={"videos/g1.mp4": FILE, "videos/g2.mp4": FILE})),
    ("wrong holds and settlements", case(generation(held=True, used=2 * PRICE))),
    ("wrong holds and settlements", case(lost(held=False, used=0), files={})),
    ("wrong holds and settlements", case(generation(settled=1, used=1))),
    ("credit limits exceeded at any commit",
     case(overshoots=[{"whose": "member", "id": "m", "used": 2, "credit_limit": 1, "at": 0}])),
    ("credit limits exceeded at any commit", case(looks=0)),
    (LOST_IMAGE, pictured(image(state="deleted"))),
    (LOST_IMAGE, pictured(files={"videos/g1.mp4": FILE})),
    (LOST_IMAGE, pictured(files={"videos/g1.mp4": FILE, "inputs/t/i1.png": FILE})),
    (LEFT_IMAGE, pictured(image(), image(id="i2", kept=False))),
    (LEFT_IMAGE, pictured(image(), image(id="i2", state="pending", kept=False))),
    (LEFT_IMAGE, pictured(image(), image(id="i2", state="deleted", kept=False))),
    (NOT_THERE, pictured(accounts=())),
    (NOT_THERE, pictured(accounts=("k2",))),
    (NOT_THERE, pictured(begins=False)),
    (NOT_THERE, case(image=1)),
    ("archived files that are missing, changed or without a row",
     pictured(files={"videos/g1.mp4": FILE, "inputs/t/i1.png": IMAGE, "inputs/t/x.png": IMAGE})),
    (UNTOLD, case(told=True)),
    (UNTOLD, case(told=True, heard=[heard("video.failed")])),
    (UNTOLD, case(told=True, heard=[heard(), heard(message="m2")])),
    (UNTOLD, case(lost(), files={}, told=True, heard=[heard()])),
    (UNTOLD, case(heard=[heard()])),
    (UNTOLD, case(heard=[heard(generation="g2")])),
    ("webhooks to be sent without a job", case(told=True, deliveries=waiting(jobs=0))),
]  # fmt: skip


@pytest.mark.parametrize("what", SOUND)
def test_what_is_right_is_not_found(what: str) -> None:
    assert found(SOUND[what]) == set()


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=[name for name, _ in WRONG])
def test_what_is_wrong_is_found(name: str, wrong: Case) -> None:
    assert name in found(wrong)


def test_every_check_is_tried() -> None:
    assert {name for name, _ in WRONG} == CHECKS.keys()


def test_what_is_unknown_is_told_by_what_is_known_of_it() -> None:
    assert checks.unknown(case(lost(), files={})) == {"without an id, billed": 1}
