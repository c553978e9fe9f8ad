"""What must hold of the wire for any Spec and any bytes, beyond the golden files."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Spec
from app.errors import Rejections
from app.upstream.answers import (
    Busy,
    Failed,
    Lost,
    NotProcessed,
    Running,
    Succeeded,
)
from app.upstream.errors import words_of_options
from app.upstream.wire import explained, read_submission, request_body
from tests.harness.specs import DURATIONS, MODELS, PAGE, RATIOS, RESOLUTIONS, luma
from tests.upstream.calling import ID
from tests.upstream.reading import CODES, STATUSES, read, submission


def test_every_legal_spec_survives_the_wire() -> None:
    combinations = product(
        MODELS, DURATIONS, [None, *RATIOS], [None, *RESOLUTIONS], [None, True, False]
    )
    for model, duration, ratio, resolution, loop in combinations:
        spec = luma(
            prompt="a lighthouse in fog",
            model=model,
            duration=duration,
            aspect_ratio=ratio,
            resolution=resolution,
            loop=loop,
        )
        body = json.loads(
            json.dumps(request_body(BUILT_IN.models[spec.model], spec, run_async=False))
        )
        assert body["type"] == "TEXT_TO_VIDEO"
        assert body["model"] == "luma"
        assert set(body) == {"type", "model", "promptObject"}
        omitted = [ratio, resolution, loop].count(None)
        assert len(body["promptObject"]) == 6 - omitted
        issues = Rejections()
        read_back = PAGE.check(body["promptObject"], prefix="p", issues=issues)
        assert read_back == spec
        assert issues.issues == []


@given(
    st.builds(
        luma,
        prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        model=st.sampled_from(MODELS),
        duration=st.sampled_from(DURATIONS),
    )
)
def test_the_prompt_reaches_the_wire_letter_for_letter(spec: Spec) -> None:
    body = request_body(BUILT_IN.models[spec.model], spec, run_async=True)
    assert body["async"] is True
    assert json.loads(json.dumps(body))["promptObject"]["prompt"] == spec.facts.prompt


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*CODES, "SUCCESS", "FAILED", "PROCESSING", ID]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["aiRecord", "uuid", "status", "aiRecordDetail", "resultObject", "temporaryUrl",
                 "errorCode", "error", "code", "message", "details", "response", "metadata",
                 "credit", "field"]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)  # fmt: skip
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": st.text(max_size=40) | st.integers().map(str),
        "Date": st.text(max_size=40) | st.just("Fri, 02 Jan 2026 03:04:05 GMT"),
        "cf-mitigated": st.sampled_from(["challenge", "x", ""]),
    },
)


@given(st.integers(-1, 1000), HEADERS, st.binary() | JSON.map(lambda d: json.dumps(d).encode()))
def test_nothing_the_upstream_sends_is_an_exception(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    for answer in read(status, headers, body):
        wait = getattr(answer, "retry_after_seconds", None)
        assert wait is None or 1 <= wait <= 300
        if isinstance(answer, Failed):
            assert answer.code in ("upstream_refused", "upstream_failed", "moderation_blocked")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 200_000,
        b'{"aiRecord":' * 100_000,
        b'{"aiRecord": NaN}',
        b'{"aiRecord": {"uuid": ' + b"9" * 5000 + b"}}",
        b'{"aiRecord": {"uuid": -' + b"9" * 5000 + b', "status": "SUCCESS"}}',
        b'{"aiRecord": ' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000 + b"9" * 5000,
        b"\xff\xfe{}",
        b'"text"',
        b"null",
    ],
    ids=range(11),
)
def test_broken_documents_are_doubts(body: bytes) -> None:
    submission, lookup = read(200, {}, body)
    assert isinstance(submission, Lost)
    assert isinstance(lookup, Busy)


def test_details_nested_beyond_reason_are_refusals_without_details() -> None:
    document = {"errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR", "details": "[" * 200_000}
    answer = submission(400, document)
    assert isinstance(answer, Failed)
    assert answer.code == "upstream_failed"


def test_a_byte_that_is_no_utf8_does_not_cost_the_id() -> None:
    body = b'{"aiRecord": {"teamUser": {"userName": "\xff"}, "uuid": "%b"}}' % ID.encode()
    assert read(200, {}, body) == (Running(upstream_id=ID), Running(upstream_id=ID))


@given(st.integers(500, 599), st.text() | st.sampled_from(["<html>", "{}", '{"aiRecord":null}']))
def test_a_server_error_that_says_nothing_is_lost(status: int, body: str) -> None:
    assert read_submission(status, {}, body.encode("utf-8", "replace")) == Lost(
        reason=f"http_{status}"
    )


CANARIES = {
    "account": "Zebulon Quartermain",
    "user": "6f1f0f0e-aaaa-4bbb-8ccc-1d2e3f405162",
    "team": "7a2b3c4d-dddd-4eee-9fff-a1b2c3d4e5f6",
    "avatar": "https://avatars.example/zq=s96-c",
    "balance": "98765432",
    "price": "150001",
    "query": "X-Amz-Signature=deadbeefcafe",
    "internals": "https://internal.provider.example/v1/generate",
}
WORDS = (
    "The feature requires {price} credits, but the team {team} of {account} only has {balance} "
    "credits; see {internals}?{query} and {avatar}, user {user}"
).format(**CANARIES)


def _details(fields: list[str]) -> list[dict[str, str]]:
    return [{"field": field, "message": WORDS} for field in fields]


DETAILS = st.one_of(
    st.none(),
    st.just(WORDS),
    st.builds(_details, st.lists(st.sampled_from(["promptObject.prompt", "model", "x"]))),
    st.builds(lambda f: json.dumps(_details(f)), st.lists(st.sampled_from(["type", "y"]))),
    st.builds(
        lambda status: json.dumps(
            {
                "request": {"url": CANARIES["internals"]},
                "response": {"status": status, "data": {"message": WORDS}},
            }
        ),
        st.sampled_from([400, 429, 500, None]),
    ),
)
KEY = "videos/2026_01_02_03_04_05_678_901234.mp4"
LINK = f"https://s3.us-east-1.amazonaws.com/asset.1min.ai/{KEY}?{CANARIES['query']}"


OUR_SENTENCES = {
    "The upstream account is out of credits.",
    "The upstream does not offer this model for this feature.",
    "The provider behind the upstream refused the request.",
    "The provider behind the upstream was busy. You may try again as a new request.",
    "The upstream refused these options of the request: prompt.",
    "The upstream refused the request as not valid.",
    "The upstream refused the request.",
    "The upstream's moderation blocked this request.",
    "The upstream failed to make the video.",
}


def _record(uuid: Any, status: Any, result: Any, link: Any) -> dict[str, Any]:
    return {
        "aiRecord": {
            "uuid": uuid,
            "userId": CANARIES["user"],
            "teamId": CANARIES["team"],
            "teamUser": {
                "userName": CANARIES["account"],
                "userAvatar": CANARIES["avatar"],
                "creditLimit": int(CANARIES["balance"]),
            },
            "status": status,
            "aiRecordDetail": {"resultObject": result, "responseObject": {"raw": WORDS}},
            "temporaryUrl": link,
        }
    }


def _failure(code: str, details: Any) -> dict[str, Any]:
    return {"code": code, "message": WORDS, "details": details}


DOCUMENTS = st.one_of(
    st.builds(
        lambda c, d: {"errorCode": c, "message": WORDS, "details": d, "context": {"x": WORDS}},
        st.sampled_from(CODES),
        DETAILS,
    ),
    st.builds(
        lambda c, d: {"success": False, "error": {"code": c, "message": WORDS, "details": d}},
        st.sampled_from(CODES),
        DETAILS,
    ),
    st.just({"error": WORDS}),
    st.builds(
        _record,
        st.sampled_from([ID, None, WORDS]),
        st.sampled_from(["SUCCESS", "FAILED", "FAILURE", "ERROR", "PROCESSING", "NEW", None]),
        st.one_of(
            st.just(WORDS),
            st.just([WORDS]),
            st.just([LINK]),
            st.just(LINK),
            st.just([KEY]),
            st.just([f"teams/{CANARIES['team']}/v.mp4%3F{CANARIES['query']}", KEY]),
            st.builds(_failure, st.sampled_from(CODES), DETAILS),
        ),
        st.sampled_from([LINK, None, WORDS]),
    ),
)


@given(st.sampled_from(STATUSES), DOCUMENTS)
def test_nothing_of_the_account_is_in_an_answer(status: int, document: Any) -> None:
    for answer in read(status, {}, json.dumps(document).encode()):
        shown = repr(answer)
        for canary in CANARIES.values():
            assert canary not in shown
        if isinstance(answer, Succeeded):
            assert answer.paths == (KEY,)
        if isinstance(answer, Failed):
            assert answer.message in OUR_SENTENCES


@given(st.sampled_from(STATUSES), st.sampled_from(CODES))
def test_only_a_known_reason_lets_a_submission_be_sent_again(status: int, code: str) -> None:
    answer = submission(status, {"errorCode": code, "message": ""})
    if isinstance(answer, NotProcessed):
        assert code != "EXTERNAL_API_RESPONSE_WITH_ERROR"
        assert (
            status in (401, 429)
            or code in ("INSUFFICIENT_CREDITS", "RATE_LIMITED", "UNAUTHORIZED")
            or code == "INVALID_AUTH_TOKEN"
        )


@pytest.mark.parametrize("packed", [json.dumps, lambda details: details])
def test_a_refusal_names_the_documented_options_and_no_other_words(packed: Any) -> None:
    fields: list[Any] = [
        *(f"promptObject.field{number}" for number in range(50)), "model", CANARIES["user"],
        "promptObject.resolution", ["promptObject.loop"], None, "promptObject.aspectRatio",
        "promptObject.aspectRatio", "promptObject.prompt.owner",
    ]  # fmt: skip
    details = [*({"field": field, "message": WORDS} for field in fields), "promptObject.loop", 7]
    answer = submission(422, {"errorCode": "INVALID_REQUEST", "details": packed(details)})
    assert isinstance(answer, Failed)
    assert answer.message == "The upstream refused the request as not valid."
    answer = explained(answer, words_of_options(BUILT_IN))
    assert isinstance(answer, Failed)
    assert answer.message == (
        "The upstream refused these options of the request: aspect ratio, resolution."
    )


@pytest.mark.parametrize(
    ("credit", "billed"),
    [(0, 0), (150000, 150000), (-1, None), (True, None), (1.5, None), ("9", None), (2**63, None)],
)
def test_only_a_whole_figure_is_what_it_cost(credit: Any, billed: int | None) -> None:
    document = _record(ID, "SUCCESS", [KEY], None)
    document["aiRecord"]["metadata"] = {"credit": credit}
    answer = submission(200, document)
    assert isinstance(answer, Succeeded)
    assert answer.billed_credits == billed
