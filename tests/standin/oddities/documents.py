"""JSON that is odd as JSON: byte order marks, numbers beyond all bounds, keys that come twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.standin.records import Json
from tests.standin.script import Oddity


def _text(name: str, change: Callable[[bytes], bytes]) -> Oddity:
    return Oddity(name=name, answer=lambda answer, _: replace(answer, body=change(answer.body)))


def _body(name: str, body: bytes) -> Oddity:
    return _text(name, lambda _: body)


def _literal(name: str, field: bytes, literal: bytes) -> Oddity:
    """A field of the record with a value that Python would not write."""
    mark = b'"%s":' % field

    def change(body: bytes) -> bytes:
        before, found, after = body.partition(mark)
        if not found:
            return body
        end = min(at for at in (after.find(b","), after.find(b"}")) if at >= 0)
        return before + mark + literal + after[end:]

    return _text(name, change)


def _field(name: str, *path: str, value: Any) -> Oddity:
    """Another value at this place of the document; where it has no such place nothing changes."""

    def change(document: Any, _: object) -> Any:
        inner = document
        for step in path[:-1]:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[path[-1]] = value
        return document

    return Oddity(name=name, document=change)


def _without(name: str, *fields: str) -> Oddity:
    def change(document: Json, _: object) -> Json:
        record = document["aiRecord"]
        return {"aiRecord": {key: record[key] for key in record if key not in fields}}

    return Oddity(name=name, document=change)


def _twice(body: bytes) -> bytes:
    return b'{"aiRecord":null,' + body.removeprefix(b"{")


def _second_null(body: bytes) -> bytes:
    return body.removesuffix(b"}") + b',"aiRecord":null}'


def _two_uuids(body: bytes) -> bytes:
    other = b'{"aiRecord":{"uuid":"00000000-0000-4000-8000-000000000000",'
    return body.replace(b'{"aiRecord":{', other, 1)


def _nested(body: bytes) -> bytes:
    depth = 200_000
    odd = b'"additionalData":' + b"[" * depth + b"]" * depth
    return body.replace(b'"additionalData":null', odd, 1)


def _surrogate(body: bytes) -> bytes:
    return body.replace(b'"metadata":null', b'"metadata":"\\ud800 \\u0000 \\udfff"', 1)


_RECORD = "aiRecord"

ODDITIES = (
    _text("byte_order_mark", lambda body: b"\xef\xbb\xbf" + body),
    _text("utf_16", lambda body: body.decode(errors="replace").encode("utf-16")),
    _text("utf_32", lambda body: body.decode(errors="replace").encode("utf-32")),
    _text("byte_invalid", lambda body: body.replace(b'"rating":null', b'"rating":"\xe9\xff"', 1)),
    _text("surrogates_and_nul", _surrogate),
    _text("white_space", lambda body: b"\r\n\t " * 500 + body + b" \r\n" * 500),
    _text("line_before", lambda body: b")]}',\n" + body),
    _text("document_twice", lambda body: body + body),
    _text("trailing_comma", lambda body: body.removesuffix(b"}") + b",}"),
    _text("record_twice", _twice),
    _text("record_twice_then_null", _second_null),
    _text("uuid_twice", _two_uuids),
    _text("nested_200000", _nested),
    _text("padded_16_mb", lambda body: body.removesuffix(b"}") + b',"p":"%s"}' % (b"p" * 2**24)),
    _literal("nan", b"rating", b"NaN"),
    _literal("infinity", b"usedCredit", b"-Infinity"),
    _literal("number_of_400_digits", b"usedCredit", b"9" * 400),
    _literal("number_of_10000_digits", b"usedCredit", b"9" * 10_000),
    _literal("number_1e999", b"creditLimit", b"1e999"),
    _literal("number_beyond_64_bits", b"creditLimit", b"18446744073709551616"),
    _literal("number_negative", b"usedCredit", b"-170141183460469231731687303715884105728"),
    _literal("credits_as_text", b"usedCredit", b'"12,472,338"'),
    _body("body_empty", b""),
    _body("body_null", b"null"),
    _body("body_list", b'[{"aiRecord":{}}]'),
    _body("body_text", b'"SUCCESS"'),
    _body("body_number", b"1" * 50),
    _body("record_null", b'{"aiRecord":null}'),
    _body("record_list", b'{"aiRecord":[]}'),
    _body("record_empty", b'{"aiRecord":{}}'),
    Oddity(name="record_bare", document=lambda document, _: document[_RECORD]),
    Oddity(name="record_wrapped", document=lambda document, _: {"data": document, "code": 0}),
    Oddity(name="record_in_a_string", document=lambda document, _: {_RECORD: json.dumps(document)}),
    _without("without_owner", "userId", "teamId", "teamUser"),
    _without("without_details", "aiRecordDetail"),
    _without("without_status", "status"),
    _without("without_uuid", "uuid"),
    _field("uuid_number", _RECORD, "uuid", value=7),
    _field("uuid_null", _RECORD, "uuid", value=None),
    _field("uuid_list", _RECORD, "uuid", value=["x"]),
    _field("uuid_no_uuid", _RECORD, "uuid", value="../../etc/passwd?x=%0d%0a"),
    _field("uuid_of_100_kb", _RECORD, "uuid", value="u" * 100_000),
    _field("uuid_with_nul", _RECORD, "uuid", value="06e92293-ee32\x00-47d7-85f2-fd4b59482b91"),
    _field("team_user_list", _RECORD, "teamUser", value=[1, 2]),
    _field("prompt_object_list", _RECORD, "aiRecordDetail", "promptObject", value=["x"]),
    _field("details_text", _RECORD, "aiRecordDetail", value="x"),
    _field("created_at_odd", _RECORD, "createdAt", value="yesterday \x00"),
    _field("model_odd", _RECORD, "model", value={"luma": True}),
)
