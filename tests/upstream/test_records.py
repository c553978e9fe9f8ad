"""What a record with an id decides, and what an error without one must not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.upstream.answers import Busy, Failed, KeyTrouble, Lost, NotProcessed, Running, Succeeded
from app.upstream.wire import read_result, read_submission
from tests.upstream.calling import ID
from tests.upstream.reading import CODES, STATUSES, read, submission


def _record(status: str | None, result: Any) -> dict[str, Any]:
    record = {"uuid": ID, "status": status, "aiRecordDetail": {"resultObject": result}}
    return {"aiRecord": record}


@pytest.mark.parametrize("digits", [4300, 4301, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_without_end_does_not_cost_the_id(digits: int, sign: str) -> None:
    body = '{"aiRecord": {"uuid": "%s", "status": "%s", "metadata": {"credit": %s}}}'
    number = sign + "9" * digits
    running = Running(upstream_id=ID)
    assert read(200, {}, (body % (ID, "PROCESSING", number)).encode()) == (running, running)
    for answer in read(200, {}, (body % (ID, "FAILED", number)).encode()):
        assert isinstance(answer, Failed)
        assert (answer.upstream_id, answer.billed_credits) == (ID, None)


def test_an_integer_without_end_does_not_cost_the_details() -> None:
    details = '{"response": {"status": 400, "trace": ' + "9" * 5000 + "}}"
    document = {"errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR", "details": details}
    answer = submission(400, document)
    assert isinstance(answer, Failed)
    assert answer.code == "upstream_refused"


@given(st.sampled_from(STATUSES), st.sampled_from([None, *CODES]), st.booleans())
def test_a_record_with_an_id_is_never_sent_again(
    status: int, code: str | None, challenged: bool
) -> None:
    document: dict[str, Any] = {"aiRecord": {"uuid": ID, "status": "PROCESSING"}}
    if code is not None:
        document["errorCode"] = code
    headers = {"cf-mitigated": "challenge"} if challenged else {}
    answer = read_submission(status, headers, json.dumps(document).encode())
    assert answer == Running(upstream_id=ID)


CREDIT_WORDS = "The feature requires 150000 credits, but the Acme team only has 1234 credits"
QUOTES = st.sampled_from(
    [
        CREDIT_WORDS,
        [CREDIT_WORDS],
        {"message": CREDIT_WORDS},
        {"code": "", "message": CREDIT_WORDS},
        {"code": "GENERATION_FAILED", "message": CREDIT_WORDS},
        {"code": None, "details": CREDIT_WORDS},
    ]
)


@given(
    st.sampled_from(STATUSES), st.sampled_from(["FAILED", "FAILURE", "ERROR"]), QUOTES,
    st.sampled_from([None, *CODES]),
)  # fmt: skip
def test_a_failed_record_keeps_its_id_and_is_not_read_for_words(
    status: int, word: str, result: Any, code: str | None
) -> None:
    document = _record(word, result)
    if code is not None:
        document |= {"errorCode": code, "message": CREDIT_WORDS}
    for answer in read(status, {}, json.dumps(document).encode()):
        assert isinstance(answer, Failed)
        assert (answer.code, answer.upstream_id) == ("upstream_failed", ID)


@given(st.sampled_from([None, "", "PROCESSING", "NEW"]), QUOTES)
def test_words_of_a_record_that_did_not_fail_end_nothing(word: str | None, result: Any) -> None:
    running = Running(upstream_id=ID)
    body = json.dumps(_record(word, result)).encode()
    assert read(200, {}, body) == (running, running)


@pytest.mark.parametrize("status", STATUSES)
def test_out_of_credits_by_words_alone(status: int) -> None:
    document = {"success": False, "error": {"code": "", "message": CREDIT_WORDS}}
    trouble = KeyTrouble.OUT_OF_CREDITS
    submission, lookup = read(status, {}, json.dumps(document).encode())
    assert submission == NotProcessed(reason="out_of_credits", key_trouble=trouble)
    assert isinstance(lookup, Busy)
    if not 300 <= status < 400:
        assert lookup == Busy(reason="out_of_credits", key_trouble=trouble)


@given(
    st.sampled_from(STATUSES),
    st.sampled_from([*CODES, "CONTENT_MODERATION_FAILED", "NSFW"]),
    st.sampled_from([{}, {"aiRecord": None}, {"aiRecord": []}, {"uuid": ID, "status": "FAILED"}]),
)
def test_no_error_without_a_record_ends_a_generation(
    status: int, code: str, beside: dict[str, Any]
) -> None:
    shapes: list[dict[str, Any]] = [
        {"errorCode": code, "message": "failed moderation"},
        {"success": False, "error": {"code": code, "message": "failed moderation"}},
    ]
    for shape in shapes:
        answer = read_result(status, {}, json.dumps(shape | beside).encode(), expected_id=ID)
        assert isinstance(answer, Busy)


@pytest.mark.parametrize("status", ["FAILED", "SUCCESS", "PROCESSING", "NEW"])
@pytest.mark.parametrize(
    ("echoed", "echo"), [("another prompt", "another prompt"), ("", ""), (None, None), (7, None)]
)
def test_every_reading_of_a_record_says_for_what_prompt_it_was_made(
    status: str, echoed: Any, echo: str | None
) -> None:
    """Whose prompt that is, is not the wire's to know."""
    detail = {"promptObject": {"prompt": echoed}, "resultObject": ["videos/a.mp4"]}
    body = json.dumps({"aiRecord": {"uuid": ID, "status": status, "aiRecordDetail": detail}})
    for answer in read(200, {}, body.encode()):
        assert isinstance(answer, Running | Succeeded | Failed)
        assert answer.echo == echo


def test_a_record_of_a_poor_account_says_so_too() -> None:
    detail = {"promptObject": {"prompt": "p"}, "resultObject": {"code": "INSUFFICIENT_CREDITS"}}
    answer = submission(200, {"aiRecord": {"uuid": ID, "aiRecordDetail": detail}})
    assert answer == NotProcessed(
        reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS, echo="p"
    )


@pytest.mark.parametrize("given", [ID.upper(), f" {ID} ", ID.title()])
def test_an_id_in_upper_case_is_the_same(given: str) -> None:
    body = json.dumps({"aiRecord": {"uuid": given, "status": "PROCESSING"}}).encode()
    assert read_result(200, {}, body, expected_id=ID) == Running(upstream_id=ID)
    other = ID.upper().replace("A", "B", 1)
    body = json.dumps({"aiRecord": {"uuid": other, "status": "SUCCESS"}}).encode()
    assert read_result(200, {}, body, expected_id=ID) == Busy(reason="wrong_id")


@pytest.mark.parametrize("status", [400, 402, 422])
@pytest.mark.parametrize(
    "document",
    [
        {"message": "promptObject.prompt must be a string"},
        {"statusCode": 400, "message": ["a", "b"], "error": "Bad Request"},
        {"statusCode": 400, "message": "no", "error": "Bad Request"},
        {"message": []},
    ],
)
def test_a_bare_message_refuses(status: int, document: Any) -> None:
    answer = submission(status, document)
    assert isinstance(answer, Failed)
    assert answer.code == "upstream_refused"
    looked_up = read_result(status, {}, json.dumps(document).encode(), expected_id=ID)
    assert isinstance(looked_up, Busy)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"message": "no"}), (409, {"message": "no"}), (500, {"message": "no"}),
        (400, {}), (400, []), (400, "no"), (400, {"message": 7}), (400, {"error": "no"}),
        (400, {"message": "no", "aiRecord": None}), (422, None),
    ],
)  # fmt: skip
def test_what_is_no_bare_message_or_has_another_status_stays_a_doubt(
    status: int, document: Any
) -> None:
    assert isinstance(submission(status, document), Lost)


def test_a_bare_message_may_say_that_the_account_is_poor_or_the_prompt_blocked() -> None:
    poor = submission(402, {"message": CREDIT_WORDS})
    assert poor == NotProcessed(reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS)
    blocked = submission(400, {"message": "The prompt was blocked by moderation"})
    assert isinstance(blocked, Failed)
    assert blocked.code == "moderation_blocked"


@given(st.sampled_from(STATUSES), st.sampled_from([100, 400, 401, 402, 429, 500, 503, None]))
def test_what_the_provider_turned_down_is_not_sent_again(status: int, provider: int | None) -> None:
    document = {
        "errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR",
        "message": "busy",
        "details": {"response": {"status": provider}},
    }
    submission, lookup = read(status, {"Retry-After": "7"}, json.dumps(document).encode())
    assert isinstance(submission, Lost if 300 <= status < 400 else Failed)
    if isinstance(submission, Failed) and provider == 429:
        assert submission.code == "upstream_failed"
        assert "try again as a new request" in submission.message
    assert isinstance(lookup, Busy)
    assert lookup.key_trouble is None
