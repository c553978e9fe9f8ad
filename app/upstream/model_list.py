"""The upstream's public list of models, `GET /models?feature=…`. It is not documented: the format
is what the upstream's own pages read, `{"models": [{modelId, name, status, cutoffDate, …}],
"total": …}`. It needs no key, and gets none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from app.domain.catalog.comparison import Listed
from app.domain.text import is_storable, shown
from app.http_client import HttpClient, RequestFailed
from app.upstream.encoding import TooLarge, Unreadable, unpacked
from app.upstream.errors import read_json

MAX_LIST_BYTES = 4_194_304
MAX_ENTRIES = 2_000
MAX_ID_CHARS = 200
_SECONDS = 30.0
#: Instants in milliseconds are larger than any in seconds.
_MILLISECONDS_FROM = 100_000_000_000
_FAILURES = {
    "unreachable": "it cannot be reached",
    "timeout": "it did not answer in time",
    "too_large": "its answer is too large",
}


class ListUnread(Exception):
    """The list could not be read. The message is a sentence for operators, with nothing in it that
    the upstream said."""


async def read_list(http: HttpClient, base_url: str, feature: str) -> tuple[list[Listed], int]:
    """The entries of a feature, and how many more there are that cannot be read. Raises
    `ListUnread`."""
    about = f"The upstream's model list of {feature} cannot be read"
    try:
        answer = await http.request(
            "GET",
            f"{base_url.rstrip('/')}/models?feature={quote(feature, safe='')}",
            headers={"Accept": "application/json"},
            seconds=_SECONDS,
            max_bytes=MAX_LIST_BYTES,
        )
        if answer.broke is not None:
            raise RequestFailed(answer.broke, may_have_left=True)
        coding = answer.headers.get("content-encoding", "")
        body = unpacked(answer.body, coding, max_bytes=MAX_LIST_BYTES)
    except RequestFailed as failed:
        said = _FAILURES.get(failed.reason, "the connection broke")
        raise ListUnread(f"{about}: {said}.") from None
    except TooLarge:
        raise ListUnread(f"{about}: its answer is too large.") from None
    except Unreadable:
        raise ListUnread(f"{about}: its answer is not in the encoding that it names.") from None
    if answer.status != 200:
        raise ListUnread(f"{about}: it answered with the status {answer.status}.")
    try:
        document = read_json(body.decode())
    except (ValueError, RecursionError):
        raise ListUnread(f"{about}: its answer is not JSON.") from None
    entries = document.get("models") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ListUnread(f"{about}: its answer has no list of models.")
    if not entries:
        raise ListUnread(f"{about}: it is empty.")
    listed = [_entry(each) for each in entries[:MAX_ENTRIES]]
    known = [each for each in listed if each is not None]
    if not known:
        raise ListUnread(f"{about}: none of its entries has a modelId.")
    return known, len(entries) - len(known)


def _entry(entry: Any) -> Listed | None:
    if not isinstance(entry, dict):
        return None
    name = entry.get("modelId")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_CHARS or not is_storable(name):
        return None
    title, status = entry.get("name"), entry.get("status")
    return Listed(
        id=name,
        name=str(shown(title)) if isinstance(title, str) else "",
        active=not isinstance(status, str) or status.upper() == "ACTIVE",
        retires_on=_day(entry.get("cutoffDate")),
    )


def _day(value: Any) -> date | None:
    """Of `2026-12-09`, of an instant in ISO 8601, or of one in Unix seconds or milliseconds."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value.strip()[:10])
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC).date() if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return None
