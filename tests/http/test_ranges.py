"""Conditions and ranges of RFC 9110, with the cases it names and with random ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.http.ranges import (
    MAX_RANGES,
    SMALL_GAP_BYTES,
    Plan,
    Span,
    decide,
    forwardable,
    part_heads,
    satisfiable,
)

LENGTH = 10_000
ETAG = '"9f86d081"'
MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SAME = "Sun, 01 Mar 2026 12:00:00 GMT"
EARLIER = "Sun, 01 Mar 2026 11:59:59 GMT"
LATER = "Sun, 01 Mar 2026 12:00:01 GMT"
WHOLE = Plan(200, (Span(0, LENGTH),))


def plan(method: str = "GET", /, **headers: str) -> Plan:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decide(method, named, etag=ETAG, length=LENGTH, last_modified=MODIFIED)


def part(start: int, end: int) -> Plan:
    return Plan(206, (Span(start, end),))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        # RFC 9110, 14.1.2
        ("bytes=0-499", part(0, 500)),
        ("bytes=500-999", part(500, 1000)),
        ("bytes=-500", part(9500, 10_000)),
        ("bytes=9500-", part(9500, 10_000)),
        ("bytes=0-0,-1", Plan(206, (Span(0, 1), Span(9999, 10_000)))),
        ("bytes= 0-9, 450-499, -1", Plan(206, (Span(0, 10), Span(450, 500), Span(9999, LENGTH)))),
        ("bytes=500-600,601-999", part(500, 1000)),
        ("bytes=500-700,601-999", part(500, 1000)),
        # what players send
        ("bytes=0-", part(0, LENGTH)),
        ("bytes=0-1", part(0, 2)),
        ("bytes=9999-", part(9999, LENGTH)),
        # reaching past the end
        ("bytes=0-10000", part(0, LENGTH)),
        ("bytes=-20000", part(0, LENGTH)),
        ("bytes=5-" + "9" * 5000, part(5, LENGTH)),
        ("bytes=" + "0" * 5000 + "5-6", part(5, 7)),
        # spelling
        ("BYTES=0-1", part(0, 2)),
        (" bytes=0-1\t", part(0, 2)),
        ("bytes=,0-1,,", part(0, 2)),
        # nothing within the file
        ("bytes=10000-", Plan(416)),
        ("bytes=10000-10001", Plan(416)),
        ("bytes=-0", Plan(416)),
        ("bytes=" + "9" * 5000 + "-", Plan(416)),
        ("bytes=10000-,-0", Plan(416)),
        # one of two within the file
        ("bytes=20000-,3-4", part(3, 5)),
        # in the order asked for, joined ones in the place of the first
        ("bytes=9000-9001,0-1", Plan(206, (Span(9000, 9002), Span(0, 2)))),
        ("bytes=9000-9001,0-1,9002-9003", Plan(206, (Span(9000, 9004), Span(0, 2)))),
        (f"bytes=0-9,{10 + SMALL_GAP_BYTES}-200", part(0, 201)),
        (f"bytes=0-9,{11 + SMALL_GAP_BYTES}-200", Plan(206, (Span(0, 10), Span(91, 201)))),
        # more than the file, or more pieces than anyone needs
        ("bytes=0-,0-", WHOLE),
        ("bytes=0-5000,4000-9999", WHOLE),
        ("bytes=" + ",".join(["0-0"] * (MAX_RANGES + 1)), WHOLE),
        # another unit, or no range at all
        ("items=0-1", WHOLE),
        ("bytes", WHOLE),
        ("bytes=", WHOLE),
        ("bytes=,", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=abc", WHOLE),
        ("bytes=5-4", WHOLE),
        ("bytes=0-1,5-4", WHOLE),
        ("bytes=0-1-2", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=+1-2", WHOLE),
        ("bytes=1 - 2", WHOLE),
        ("bytes=0x1-2", WHOLE),
        ("bytes=1_0-20", WHOLE),
        ("bytes=٠-١", WHOLE),
        ("bytes=0-1;q=1", WHOLE),
        ("bytes=0-1, bytes=2-3", WHOLE),
        ("", WHOLE),
    ],
)  # fmt: skip
def test_range(header: str, expected: Plan) -> None:
    assert plan(range=header) == expected


def test_no_range_is_the_whole_file() -> None:
    assert plan() == WHOLE


def test_head_ignores_range() -> None:
    assert plan("HEAD", range="bytes=0-1") == WHOLE
    assert plan("HEAD", range="bytes=99999-") == WHOLE


def test_a_range_of_an_empty_file_is_ignored() -> None:
    got = decide("GET", {"range": "bytes=0-"}, etag=ETAG, length=0, last_modified=MODIFIED)
    assert got == Plan(200, (Span(0, 0),))


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if_match", ETAG, 200),
        ("if_match", f'"x", {ETAG}', 200),
        ("if_match", "*", 200),
        ("if_match", '"x"', 412),
        ("if_match", f"W/{ETAG}", 412),
        ("if_match", "", 412),
        ("if_unmodified_since", SAME, 200),
        ("if_unmodified_since", LATER, 200),
        ("if_unmodified_since", EARLIER, 412),
        ("if_unmodified_since", "yesterday", 200),
        ("if_none_match", ETAG, 304),
        ("if_none_match", f"W/{ETAG}", 304),
        ("if_none_match", f'"a,b",{ETAG}', 304),
        ("if_none_match", "*", 304),
        ("if_none_match", '"x"', 200),
        ("if_none_match", ETAG.strip('"'), 200),
        ("if_modified_since", SAME, 304),
        ("if_modified_since", LATER, 304),
        ("if_modified_since", EARLIER, 200),
        ("if_modified_since", "yesterday", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_condition(method: str, name: str, value: str, status: int) -> None:
    assert plan(method, **{name: value}).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_match": '"x"', "if_none_match": ETAG, "range": "bytes=0-1"}, 412),
        ({"if_none_match": ETAG, "range": "bytes=0-1"}, 304),
        ({"if_none_match": ETAG, "range": "bytes=99999-"}, 304),
        ({"if_none_match": '"x"', "range": "bytes=0-1"}, 206),
        ({"if_match": ETAG, "range": "bytes=0-1"}, 206),
        # a tag outranks a date
        ({"if_match": ETAG, "if_unmodified_since": EARLIER}, 200),
        ({"if_none_match": '"x"', "if_modified_since": LATER}, 200),
    ],
)
def test_order_of_conditions(headers: dict[str, str], status: int) -> None:
    assert plan(**headers).status == status


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        (f"W/{ETAG}", 200),
        ('"x"', 200),
        (f'{ETAG}, "x"', 200),
        ("*", 200),
        (SAME, 206),
        ("Sunday, 01-Mar-26 12:00:00 GMT", 206),
        ("Sun Mar  1 12:00:00 2026", 206),
        (EARLIER, 200),
        (LATER, 200),
        ("", 200),
    ],
)
def test_if_range(condition: str, status: int) -> None:
    assert plan(range="bytes=0-1", if_range=condition).status == status
    assert plan(if_range=condition).status == 200


def test_if_range_that_fails_hides_an_unsatisfiable_range() -> None:
    assert plan(range="bytes=99999-", if_range='"x"') == WHOLE
    assert plan(range="bytes=99999-", if_range=ETAG) == Plan(416)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"range": "bytes=5-"}, "bytes=5-"),
        ({"range": "bytes=-5"}, "bytes=-5"),
        ({"range": "bytes=0-1,5-6"}, None),
        ({"range": "items=0-1"}, None),
        ({"range": "bytes=5-", "if-range": ETAG}, None),
        ({}, None),
    ],
)
def test_what_is_sent_on(headers: dict[str, str], expected: str | None) -> None:
    assert forwardable(headers) == expected


def test_part_heads_follow_the_rfc() -> None:
    heads, tail = part_heads(
        [Span(0, 500), Span(600, 601)], length=1000, content_type="video/mp4", boundary="B"
    )
    assert heads == [
        b"--B\r\nContent-Type: video/mp4\r\nContent-Range: bytes 0-499/1000\r\n\r\n",
        b"\r\n--B\r\nContent-Type: video/mp4\r\nContent-Range: bytes 600-600/1000\r\n\r\n",
    ]
    assert tail == b"\r\n--B--\r\n"


numbers = st.integers(0, 400)
specs = st.one_of(
    st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    numbers.map(lambda first: f"{first}-"),
    numbers.map(lambda suffix: f"-{suffix}"),
)


def asked_for(header: str, length: int) -> set[int]:
    """The positions named, worked out without any of the code under test."""
    positions: set[int] = set()
    for spec in header.removeprefix("bytes=").split(","):
        first, _, last = spec.partition("-")
        if not first:
            positions |= set(range(max(0, length - int(last)), length))
        else:
            positions |= set(range(int(first), min(length, int(last or length) + 1)))
    return positions


@settings(deadline=None)
@given(st.lists(specs, min_size=1, max_size=MAX_RANGES), st.integers(1, 300))
def test_every_byte_asked_for_is_sent_once_and_little_else(parts: list[str], length: int) -> None:
    header = "bytes=" + ",".join(parts)
    spans, wanted = satisfiable(header, length), asked_for(header, length)
    if spans is None:
        assert len(parts) > 1
        return
    assert bool(spans) == bool(wanted)
    assert all(0 <= span.start < span.end <= length for span in spans)
    sent = [position for span in spans for position in range(span.start, span.end)]
    assert len(sent) == len(set(sent)) <= length
    assert wanted <= set(sent)
    assert len(set(sent) - wanted) <= SMALL_GAP_BYTES * (len(parts) - 1)
    if len(parts) == 1:
        assert set(sent) == wanted


names = st.sampled_from(
    ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]
)
values = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.text("bytes=0123456789-, ", max_size=40).map(lambda rest: f"bytes={rest}"),
    st.builds(
        "{}, {} {} {} {}:{}:00 {}".format,
        st.sampled_from(["Sun", "Sunday", "x", ""]),
        st.integers(-1, 40),
        st.sampled_from(["Mar", "13", ""]),
        st.integers(0, 10**6),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(["GMT", "-0000", "+2359", "+9999", "-99999", "x", ""]),
    ),
    st.sampled_from([ETAG, f"W/{ETAG}", "*", SAME, EARLIER, LATER]),
)


@settings(deadline=None)
@given(st.sampled_from(["GET", "HEAD"]), st.dictionaries(names, values), st.integers(0, 10**12))
def test_no_header_breaks_it(method: str, headers: dict[str, str], length: int) -> None:
    got = decide(method, headers, etag=ETAG, length=length, last_modified=MODIFIED)
    assert got.status in (200, 206, 304, 412, 416)
    assert (got.spans != ()) == (got.status in (200, 206))
    assert sum(span.length for span in got.spans) <= length
