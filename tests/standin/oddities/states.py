"""Words for a state that nobody documented, and failures in every shape."""

from __future__ import annotations

from typing import Any

from tests.standin.oddities.refusals import WORDS
from tests.standin.records import PROCESSING, SUCCESS, Record
from tests.standin.script import Oddity, Scene


def _said(name: str, word: Any, *, of: str) -> Oddity:
    """Another word where the record has the state `of`."""

    def change(document: Any, _: Scene) -> Any:
        record = document["aiRecord"]
        if record["status"] == of:
            record["status"] = word
        return document

    return Oddity(name=name, document=change)


def _failing(name: str, word: Any = "FAILURE", result: Any = None) -> Oddity:
    """The record fails, unbilled, and shows this as its result."""

    def make(record: Record, _: Scene) -> None:
        record.price, record.failure = 0, {"code": "FAILED"}

    def change(document: Any, _: Scene) -> Any:
        record = document["aiRecord"]
        record["status"] = word
        record["aiRecordDetail"]["resultObject"] = result
        return document

    return Oddity(name=name, record=make, document=change)


def _never_ready(record: Record, _: Scene) -> None:
    record.ready_at = float("inf")


_DETAILS = {"code": "GENERATION_FAILED", "message": WORDS}

ODDITIES = (
    _said("success_completed", "COMPLETED", of=SUCCESS),
    _said("success_done", "DONE", of=SUCCESS),
    _said("success_lower_case", "success", of=SUCCESS),
    _said("success_succeeded", "succeeded", of=SUCCESS),
    _said("success_spaced", " SUCCESS ", of=SUCCESS),
    _said("success_unheard_of", "FERTIG", of=SUCCESS),
    _said("success_missing_word", None, of=SUCCESS),
    _said("success_number", 2, of=SUCCESS),
    _said("success_said_to_be_processing", PROCESSING, of=SUCCESS),
    _said("pending_queued", "QUEUED", of=PROCESSING),
    _said("pending_lower_case", "processing", of=PROCESSING),
    _said("pending_number", 1, of=PROCESSING),
    _said("pending_missing_word", None, of=PROCESSING),
    _said("pending_said_to_be_success", SUCCESS, of=PROCESSING),
    Oddity(name="never_ready", record=_never_ready),
    _failing("failure", result=_DETAILS),
    _failing("failure_failed", "FAILED", _DETAILS),
    _failing("failure_error", "ERROR", _DETAILS),
    _failing("failure_lower_case", "failed", _DETAILS),
    _failing("failure_in_a_list", result=[WORDS]),
    _failing("failure_in_a_text", result=WORDS),
    _failing("failure_without_reason", result=None),
    _failing("failure_empty", result=[]),
    _failing("failure_with_nul", result={"code": "A\x00B", "message": "\x00\ud800 \x1b[31m"}),
    _failing("failure_of_1_mb", result={"code": "C" * 1_000_000, "message": WORDS * 10_000}),
    _failing("failure_nested", result={"code": {"code": [1]}, "message": [{"message": None}]}),
    _failing("failure_in_a_number", result=1e300),
    _failing("failure_unheard_of", "REJECTED", _DETAILS),
)
