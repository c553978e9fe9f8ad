"""Reads an answer of the upstream: its JSON, its record, and its requests to the caller. Pure, and
never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from app.upstream.errors import (
    KEY_REJECTIONS,
    PROVIDER_ERROR,
    RATE_LIMITED,
    ReportedError,
    read_json,
)

MAX_RETRY_AFTER_SECONDS = 300.0
_NOT_JSON = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    document: Any
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        lowered = {name.lower(): value for name, value in headers.items()}
        return cls(status=status, headers=lowered, document=_document(body), body=body)

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def redirected(self) -> bool:
        return 300 <= self.status < 400

    @property
    def challenged(self) -> bool:
        """The proxy in front of the upstream wants a browser; the upstream never saw the
        request."""
        return self.headers.get("cf-mitigated", "").strip().lower() == "challenge"

    @property
    def record(self) -> dict[str, Any] | None:
        """The record. One with an id counts under any HTTP status: polling it is free, sending the
        request again is not."""
        if not isinstance(self.document, dict):
            return None
        record = self.document.get("aiRecord")
        if not isinstance(record, dict):
            return None
        return record if self.good or read_id(record.get("uuid")) is not None else None

    @property
    def null_record(self) -> bool:
        document = self.document
        return isinstance(document, dict) and document.get("aiRecord", _NOT_JSON) is None

    @property
    def doubt(self) -> str:
        if not self.good:
            return f"http_{self.status}" if 100 <= self.status <= 599 else "http_other"
        return "not_json" if self.document is _NOT_JSON else "no_record"

    @property
    def retry_after(self) -> float | None:
        return _retry_after(self.headers.get("retry-after", ""), self.headers.get("date", ""))

    def rejects_key(self, reported: ReportedError | None) -> bool:
        return self._says(reported, 401, KEY_REJECTIONS)

    def limits_rate(self, reported: ReportedError | None) -> bool:
        return self._says(reported, 429, frozenset({RATE_LIMITED}))

    def _says(self, reported: ReportedError | None, status: int, codes: frozenset[str]) -> bool:
        """By its code or its status. With a provider's error, the status may be the provider's."""
        code = reported.code if reported is not None else ""
        return code in codes or (self.status == status and code != PROVIDER_ERROR)


def read_id(value: Any) -> str | None:
    """An id that can be polled: visible ASCII, one path segment, and not `.` or `..`."""
    if isinstance(value, str) and re.fullmatch(r"[!-.0-~]{1,128}", value) and value.strip("."):
        return value
    return None


def is_document(body: bytes) -> bool:
    """Whether `body` is one JSON object from its first brace to its last."""
    return isinstance(_document(body), dict)


def _document(body: bytes) -> Any:
    """The JSON in `body`. Invalid UTF-8 is replaced: a broken character in the account's name must
    not lose the id beside it."""
    try:
        return read_json(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return _NOT_JSON


def _retry_after(value: str, date: str) -> float | None:
    """Seconds to wait (RFC 9110, 10.2.3), from 1 to 300. A date is compared with the answer's own
    Date, so that no clock is needed."""
    if re.fullmatch(r"\s*[0-9]{1,12}(\.[0-9]{1,6})?\s*", value):
        seconds = float(value)
    else:
        try:
            gap = parsedate_to_datetime(value) - parsedate_to_datetime(date)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = gap.total_seconds()
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_SECONDS)
