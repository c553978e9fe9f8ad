"""Answers that refuse, or look like it: the status alone does not say what was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.standin import refusals
from tests.standin.answers import Answer, html_answer, json_answer
from tests.standin.script import Oddity, Scene


def _refusal(name: str, make: Callable[[], Answer], *, repeatable: bool = False) -> Oddity:
    """Nothing is made of it."""
    return Oddity(
        name=name, processed=False, repeatable=repeatable, answer=lambda _answer, _scene: make()
    )


def _after_work(name: str, make: Callable[[], Answer]) -> Oddity:
    """It was made and billed all the same."""
    return Oddity(name=name, answer=lambda _answer, _scene: make())


def _limited(name: str, retry_after: bytes) -> Oddity:
    return _refusal(
        name,
        lambda: refusals.rate_limited().with_headers((b"Retry-After", retry_after)),
        repeatable=True,
    )


#: An owner as messages of the upstream name one; none of it may be passed on.
OWNER = "Zdeněk Owner-1 O’Canary <owner-1@canary.example>"
SIGNED = "https://s3.us-east-1.amazonaws.com/asset.1min.ai/v.mp4%3FX-Amz-Signature%3Dcanary-signed"
#: Unlikely words of the upstream's own, which are for operators.
WORDS = "the upstream's own words canary-words"


def _owner_named() -> Answer:
    field = {"field": "promptObject.prompt", "message": f"{OWNER} may not ask for this: {WORDS}"}
    return refusals.refused(
        422, "PROMPT_OBJECT_VALIDATION_FAILED", f"{OWNER}: {SIGNED} {WORDS}", details=[field]
    )


def _with_status(status: int) -> Oddity:
    """A record that is right, under a status that is not."""
    return Oddity(
        name=f"record_with_{status}",
        answer=lambda answer, _: replace(answer, status=status, reason=None),
    )


_DEFINITE = (
    _refusal("bare_400", lambda: refusals.bare(400, ["promptObject.prompt is invalid"])),
    _refusal("bare_400_text", lambda: refusals.bare(400, "Bad prompt")),
    _refusal("bare_402", lambda: refusals.bare(402, WORDS, "Payment Required")),
    _refusal("bare_422", lambda: refusals.bare(422, [WORDS], "Unprocessable Entity")),
    _refusal("message_422", lambda: json_answer({"message": WORDS}, 422)),
    _refusal("chat_422", lambda: refusals.chat_envelope(422, "UNPROCESSABLE_ENTITY", WORDS)),
    _refusal("owner_422", _owner_named),
    _refusal("unsupported_model", lambda: refusals.refused(400, "UNSUPPORTED_MODEL", WORDS)),
)

_UNCLEAR = (
    _after_work("bad_gateway_502", lambda: refusals.edge_error(502)),
    _after_work("unavailable_503", lambda: refusals.edge_error(503)),
    _after_work("timeout_504", lambda: refusals.edge_error(504)),
    _after_work("edge_520", lambda: refusals.edge_error(520)),
    _after_work("edge_522", lambda: refusals.edge_error(522)),
    _after_work("edge_524", lambda: refusals.edge_error(524)),
    _after_work("internal_500", lambda: refusals.bare(500, WORDS, "Internal Server Error")),
    _after_work("page_200", lambda: html_answer(200, "Just a moment...")),
    _after_work("page_200_in_json", lambda: json_answer("<html>Just a moment...</html>")),
    _after_work("text_200", lambda: Answer(status=200, body=b"OK")),
    _after_work("conflict_409", lambda: refusals.bare(409, WORDS, "Conflict")),
    _after_work("timeout_408", lambda: refusals.bare(408, WORDS, "Request Timeout")),
    _after_work("too_early_425", lambda: refusals.bare(425, WORDS, "Too Early")),
    _after_work("unknown_400", lambda: refusals.refused(400, "UNKNOWN_ERROR", WORDS)),
    _after_work("provider_500", lambda: refusals.provider_error(500)),
    _after_work("accepted_202_empty", lambda: Answer(status=202)),
    _after_work("no_content_204", lambda: Answer(status=204)),
)

_LIMITED = (
    _refusal("limited", refusals.rate_limited, repeatable=True),
    _refusal("limited_bare", lambda: json_answer({"error": "slow down"}, 429), repeatable=True),
    _limited("limited_1", b"1"),
    _limited("limited_negative", b"-5"),
    _limited("limited_fraction", b"0.5"),
    _limited("limited_nan", b"nan"),
    _limited("limited_bytes", b"\xe9\xff"),
    _limited("limited_superscript", "²".encode("latin-1")),
    _limited("limited_past_date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    _limited("limited_odd_date", b"Xyz, 99 Foo 99999 99:99:99 GMT"),
    _limited("limited_empty", b""),
)


def _failed_and_named(document: object, scene: Scene) -> object:
    assert scene.record is not None
    account = scene.record.account
    record = document["aiRecord"] if isinstance(document, dict) else {}
    record["status"] = "FAILURE"
    record.pop("temporaryUrl", None)
    record["aiRecordDetail"]["resultObject"] = {
        "code": "GENERATION_FAILED",
        "message": f"{account.name} {account.mail} {account.team_id} {SIGNED} {WORDS}",
    }
    return document


ODDITIES = (
    *_DEFINITE,
    *_UNCLEAR,
    *_LIMITED,
    *(_with_status(status) for status in (201, 202, 203, 206, 226, 299, 500, 502, 524)),
    Oddity(
        name="failed_and_named",
        record=lambda record, _: setattr(record, "price", 0),
        document=_failed_and_named,
    ),
)
