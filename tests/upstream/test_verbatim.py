"""What is kept of an answer for operators, and what callers never see of it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from app.upstream.answers import Busy, Failed, Missing
from app.upstream.verbatim import MAX_CHARS
from app.upstream.wire import read_result, read_submission
from tests.upstream.calling import ID
from tests.upstream.reading import read, submission

KEY = "videos/2026_01_02_03_04_05_678_901234.mp4"
LINK = f"https://s3.us-east-1.amazonaws.com/asset.1min.ai/{KEY}?X-Amz-Signature=s"
WORDS = "Zden\u011bk may not ask for this"


def kept(answer: Any) -> str | None:
    said: str | None = answer.verbatim
    assert said is None or said not in repr(answer)
    return said


def record(status: Any, result: Any, link: str | None = None) -> dict[str, Any]:
    user = {"userName": "Ada Account", "creditLimit": 98765}
    detail = {"promptObject": {"prompt": "a lion"}, "resultObject": result}
    return {
        "aiRecord": {
            "uuid": ID, "teamUser": user, "status": status, "aiRecordDetail": detail,
            "temporaryUrl": link,
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        {"errorCode": "PROMPT_OBJECT_VALIDATION_FAILED", "message": WORDS, "details": "[]"},
        {"success": False, "error": {"code": "X", "message": WORDS}},
        {"statusCode": 422, "message": [WORDS], "error": "Unprocessable Entity"},
        {"message": WORDS},
    ],
)
def test_a_refusal_is_kept_as_it_was_said(document: Any) -> None:
    assert kept(submission(422, document)) == "422 " + json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("status", ["FAILED", "ERROR", "FERTIG", None, 7])
@pytest.mark.parametrize("result", [{"code": "X", "message": WORDS}, [WORDS], WORDS, None])
def test_of_a_record_only_how_it_ended_is_kept(status: Any, result: Any) -> None:
    document = record(status, result, LINK)
    for answer in read(200, {}, json.dumps(document).encode()):
        said = kept(answer)
        assert said is not None
        assert json.loads(said.removeprefix("200 ")) == {
            "status": status, "metadata": None, "temporaryUrl": LINK, "resultObject": result,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "result", "link"),
    [("PROCESSING", [], None), ("SUCCESS", [KEY], LINK), ("SUCCESS", [], LINK)],
)
def test_nothing_is_kept_of_what_every_good_record_says(
    status: str, result: list[str], link: str | None
) -> None:
    body = json.dumps(record(status, result, link)).encode()
    assert [kept(answer) for answer in read(200, {}, body)] == [None, None]


@pytest.mark.parametrize(("result", "link"), [([KEY], None), ([], LINK)])
def test_a_file_of_what_is_said_to_be_in_the_making_is_kept(
    result: list[str], link: str | None
) -> None:
    for answer in read(200, {}, json.dumps(record("PROCESSING", result, link)).encode()):
        said = kept(answer)
        assert said is not None
        assert KEY in said


def test_a_path_that_callers_do_not_see_is_kept_with_its_link() -> None:
    paths = ["teams/7a2b/zoe@example.com/v.mp4", *("videos/v.mp4" for _ in range(50_000))]
    for answer in read(200, {}, json.dumps(record("SUCCESS", paths, LINK)).encode()):
        said = kept(answer)
        assert said is not None
        assert LINK in said
        assert "zoe@example.com" in said
        assert len(said) == MAX_CHARS


def test_what_is_no_json_is_kept_on_one_line_without_controls() -> None:
    answer = read(502, {}, b"<h1>Bad\ngateway</h1>\x00\x1b[31m\xff" + b"x" * 10_000)[0]
    said = kept(answer)
    assert said is not None
    assert said.startswith("502 <h1>Bad gateway</h1>  [31m\ufffdxxx")
    assert len(said) == MAX_CHARS


def test_a_text_that_no_database_takes_is_kept_without_what_is_wrong_with_it() -> None:
    body = json.dumps(record("FAILED", {"message": "a\x00\ud800\u202eb"})).encode()
    said = kept(read_result(200, {}, body, expected_id=ID))
    assert said is not None
    said.encode()
    assert "\x00" not in said
    assert "\u202e" not in said


def test_nesting_is_kept_or_said_to_be_without_end() -> None:
    for depth in range(600, sys.getrecursionlimit(), 3):
        document = '{"message": "no", "x": ' + "[" * depth + "]" * depth + "}"
        answer = read_submission(422, {}, document.encode())
        if isinstance(answer, Failed):
            said = kept(answer)
            assert said is not None
            assert said.startswith(('422 {"message": "no"', "422 (nested"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"aiRecord": null}', b"<html>"])
def test_a_look_up_without_a_record_says_nothing_of_the_video(body: bytes) -> None:
    assert isinstance(read_result(200, {}, body, expected_id=ID), Busy | Missing)
