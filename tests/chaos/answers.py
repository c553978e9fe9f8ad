"""What clients were answered, and which of it has no excuse. Pure but for the outages' clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.outages import Outages

#: A pool finds its broken connections, and an admission asks whether it was kept, a little later.
POSTGRES_GRACE_SECONDS = 8.0
_GRACE_SECONDS = 1.0
#: A request that began so long before a SIGTERM was in flight, and has to be answered.
_IN_FLIGHT_SECONDS = 0.5
#: Statuses a well-formed request of an entitled caller may meet, by kind of request.
_EXPECTED = {
    "create": frozenset({200, 202, 402, 429}),
    "reuse": frozenset({422}),
    "cancel": frozenset({200, 409}),
    "content": frozenset({200, 206, 409}),
}
_READ = frozenset({200})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` 0: none came, and `error` says why. `seat` is the process that was asked."""

    kind: str
    number: int
    seat: str
    begin: float
    end: float
    status: int = 0
    error: str = ""
    headers: Mapping[str, str]
    body: bytes
    canaries: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def retry_safe(self) -> bool:
        return self.document.get("retry_safe") is True

    @property
    def retry_after(self) -> float | None:
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdigit() else None

    @property
    def hung_up(self) -> bool:
        return self.error == "hung up"

    def told(self) -> str:
        what = self.error or str(self.status)
        code = self.document.get("errorCode") or self.document.get("code") or ""
        took = self.end - self.begin
        return f"{self.kind} {self.number:05} at {self.seat}: {what} {code} {took:.1f} s"


def inexcusable(answers: Iterable[Answer], outages: Outages) -> Iterator[str]:
    for answer in answers:
        if answer.hung_up or answer.status in _EXPECTED.get(answer.kind, _READ):
            continue
        if not _excused(answer, outages):
            yield answer.told()


def _excused(answer: Answer, outages: Outages) -> bool:
    def met(name: str, grace: float = _GRACE_SECONDS) -> bool:
        return bool(outages.met(name, answer.begin, answer.end, grace=grace))

    if answer.status == 0:
        windows = outages.met(answer.seat, answer.begin, answer.end, grace=_GRACE_SECONDS)
        return any(
            not window.orderly or answer.begin > window.begin - _IN_FLIGHT_SECONDS
            for window in windows
        )
    if answer.status != 503 or answer.retry_after is None:
        return False
    if met("postgres", POSTGRES_GRACE_SECONDS):
        return True
    if answer.kind == "content":
        # A video that is still at the upstream's file host, or an archive that is away.
        return met("archive") or "upstream" in str(answer.document.get("detail"))
    return answer.document.get("errorCode") == "PAUSED" and met("admission")
