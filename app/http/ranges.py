"""Which bytes of a file answer a request: RFC 9110, sections 13 and 14, as pure functions.

Conditions are evaluated in the order of section 13.2.2: If-Match or If-Unmodified-Since (412),
If-None-Match or If-Modified-Since (304), and then Range, which If-Range may disable. A `Range` that
is malformed, or that would cost more than the whole file, is ignored, as section 14.2 allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: More ranges than any player requests: such a request gets the whole file.
MAX_RANGES = 8
#: A gap smaller than the overhead of another part is sent along.
SMALL_GAP_BYTES = 80
_DIGITS_OF_ANY_FILE = 18

_RANGE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*)", re.ASCII)
_SPEC = re.compile(r"([0-9]*)-([0-9]*)")
_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file, half-open: `end` is not included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def content_range(self, length: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{length}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The status of the response (200, 206, 304, 412 or 416) and its bytes: one span of the whole
    file for 200, one or more for 206, none otherwise."""

    status: int
    spans: tuple[Span, ...] = ()

    @property
    def multipart(self) -> bool:
        return len(self.spans) > 1


def decide(
    method: str, headers: Mapping[str, str], *, etag: str, length: int, last_modified: datetime
) -> Plan:
    """The plan for a GET or HEAD of a file.

    `headers` has lower-case names; repeated fields are joined with commas. `etag` is strong and
    quoted. `last_modified` is aware, and is a strong validator too: a file is written only once.
    """
    modified = last_modified.astimezone(UTC).replace(microsecond=0)
    whole = Plan(200, (Span(0, length),))
    if _changed(headers, etag, modified):
        return Plan(412)
    if _unchanged(headers, etag, modified):
        return Plan(304)
    if method != "GET" or not _same_file(headers.get("if-range"), etag, modified):
        return whole
    spans = satisfiable(headers.get("range", ""), length)
    if spans is None:
        return whole
    return Plan(206, spans) if spans else Plan(416)


def satisfiable(header: str, length: int) -> tuple[Span, ...] | None:
    """The spans that a `Range` requests, in its order, joined where they touch.

    Empty if none lies within the file. None if the header is to be ignored.
    """
    specs = _specs(header)
    if specs is None or len(specs) > MAX_RANGES or length == 0:
        return None
    spans = [span for spec in specs if (span := _span(spec, length)) is not None]
    if len(spans) > 1 and sum(span.length for span in spans) > length:
        return None
    return _joined(spans)


def forwardable(headers: Mapping[str, str]) -> str | None:
    """The `Range` to forward to a server that has the file, or None to request all of it.

    Only a single range is forwarded, and only without a condition on a validator of ours.
    """
    header = headers.get("range", "")
    specs = _specs(header)
    return header if specs and len(specs) == 1 and "if-range" not in headers else None


def part_heads(
    spans: Sequence[Span], *, length: int, content_type: str, boundary: str
) -> tuple[list[bytes], bytes]:
    """What precedes each part of `multipart/byteranges`, and what ends the last one."""
    heads = [
        f"--{boundary}\r\nContent-Type: {content_type}\r\n"
        f"Content-Range: {span.content_range(length)}\r\n\r\n".encode("latin-1")
        for span in spans
    ]
    return [heads[0], *(b"\r\n" + head for head in heads[1:])], f"\r\n--{boundary}--\r\n".encode()


def _specs(header: str) -> list[tuple[int | None, int | None]] | None:
    """(first, last), (first, None) or (None, suffix length); None if these are not byte ranges."""
    found = _RANGE.fullmatch(header.strip(" \t"))
    if found is None or found[1].lower() != "bytes":
        return None
    specs: list[tuple[int | None, int | None]] = []
    # Empty elements of a list are skipped (RFC 9110, 5.6.1.2).
    for element in filter(None, (part.strip(" \t") for part in found[2].split(","))):
        spec = _SPEC.fullmatch(element)
        if spec is None or element == "-":
            return None
        first, last = _number(spec[1]), _number(spec[2])
        if first is not None and last is not None and last < first:
            return None
        specs.append((first, last))
    return specs or None


def _number(digits: str) -> int | None:
    """Numbers of any length are valid and may point beyond the end of any file."""
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    beyond = 10**_DIGITS_OF_ANY_FILE
    return int(digits) if len(digits) <= _DIGITS_OF_ANY_FILE else beyond


def _span(spec: tuple[int | None, int | None], length: int) -> Span | None:
    first, last = spec
    if first is None:
        assert last is not None
        return Span(max(0, length - last), length) if last else None
    if first >= length:
        return None
    return Span(first, length if last is None else min(last + 1, length))


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Overlapping and adjacent spans become one, at the position of the first."""
    joined: list[tuple[int, Span]] = []
    for place, span in sorted(enumerate(spans), key=lambda item: item[1].start):
        if joined and span.start <= joined[-1][1].end + SMALL_GAP_BYTES:
            earlier, last = joined[-1]
            joined[-1] = (min(earlier, place), Span(last.start, max(last.end, span.end)))
        else:
            joined.append((place, span))
    return tuple(span for _, span in sorted(joined, key=lambda item: item[0]))


def _changed(headers: Mapping[str, str], etag: str, modified: datetime) -> bool:
    if (wanted := headers.get("if-match")) is not None:
        # Strong comparison: a weak tag never matches.
        return wanted.strip() != "*" and etag not in _tags(wanted, weak=False)
    limit = _date(headers.get("if-unmodified-since"))
    return limit is not None and modified > limit


def _unchanged(headers: Mapping[str, str], etag: str, modified: datetime) -> bool:
    if (known := headers.get("if-none-match")) is not None:
        return known.strip() == "*" or etag in _tags(known, weak=True)
    since = _date(headers.get("if-modified-since"))
    return since is not None and modified <= since


def _same_file(condition: str | None, etag: str, modified: datetime) -> bool:
    """If-Range: exactly this tag or date; otherwise the caller has a part of another file."""
    if condition is None:
        return True
    condition = condition.strip()
    return condition == etag or _date(condition) == modified


def _tags(header: str, *, weak: bool) -> set[str]:
    return {tag for mark, tag in _TAGS.findall(header) if weak or not mark}


def _date(value: str | None) -> datetime | None:
    """An HTTP date; None if it is missing or malformed, and so ignored."""
    try:
        parsed = parsedate_to_datetime(value) if value else None
        if parsed is None:
            return None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
