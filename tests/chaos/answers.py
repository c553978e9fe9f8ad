"""What clients were answered, and which of it has no excuse. Pure but for the outages' clock."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.http.protocol import LINGER_SECONDS
from tests.chaos.outages import Outages

#: A request that begins later than this after an outage has no excuse in it.
_GRACE_SECONDS = 1.0
#: How long a process that was told to stop waits for requests in flight.
DRAIN_SECONDS = 6.0
#: Statuses a well-formed request of an entitled caller may meet, by kind of request.
_EXPECTED = {
    "create": frozenset({200, 202, 402, 429}),
    "reuse": frozenset({422}),
    "upload": frozenset({200, 201}),
    "cancel": frozenset({200, 409}),
    "content": frozenset({200, 206, 409}),
}
#: The seat of the upstream, and what lies between it and the workers.
UPSTREAM, ALTERED = "simulate-0", "between"
_READ = frozenset({200})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` 0: none came, and `error` says why. `seat` is the process that was asked, `at` the
    time of day when it was, as the logs have it."""

    kind: str
    number: int
    seat: str
    begin: float
    end: float
    at: str = ""
    status: int = 0
    error: str = ""
    #: From the first step of connecting until all of the request was sent.
    sending_seconds: float = 0.0
    headers: Mapping[str, str]
    body: bytes
    canaries: tuple[str, ...] = ()
    #: The upstream's file host does not send all of this video.
    breaks_off: bool = False
    #: The request brings an image, which is archived before the answer.
    stores: bool = False

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
        return f"{self.at} {self.kind} {self.number:05} at {self.seat}: {what} {code} {took:.1f} s"


def judged(answers: Iterable[Answer], outages: Outages) -> tuple[Counter[str], list[str]]:
    """How often each excuse was needed, and the answers that have none."""
    excuses: Counter[str] = Counter()
    without = []
    for answer in answers:
        if answer.hung_up or answer.status in _EXPECTED.get(answer.kind, _READ):
            continue
        excuse = _excuse(answer, outages)
        if excuse is None:
            without.append(answer.told())
        else:
            excuses[f"{answer.status or 'no answer'}: {excuse}"] += 1
    return excuses, without


def _excuse(answer: Answer, outages: Outages) -> str | None:
    def met(name: str) -> bool:
        return bool(outages.met(name, answer.begin, answer.end, grace=_GRACE_SECONDS))

    if answer.status == 0:
        windows = outages.met(answer.seat, answer.begin, answer.end, grace=_GRACE_SECONDS)
        if any(not window.orderly for window in windows):
            return "its process was killed or frozen"
        # What it has accepted it answers; where a connection is refused it has read nothing.
        if windows and answer.error == "ConnectError":
            return "its process had been told to stop and refused the connection"
        # A client that stands still between connecting and sending is not waited for.
        if windows and answer.sending_seconds >= LINGER_SECONDS:
            return "its process had been told to stop and heard nothing on the connection"
        if any(answer.end > window.begin + DRAIN_SECONDS for window in windows):
            return "its process had waited for it as long as it may"
        if answer.kind == "content" and (answer.breaks_off or met(UPSTREAM) or met(ALTERED)):
            return "the upstream's file host broke off a video on its way"
        return None
    if answer.status != 503:
        return None
    # What was taken is not to be sent again, so nothing says when to.
    if met("postgres") and b"only the answer to this request failed" in answer.body:
        return "Postgres went away after the request was taken, as the answer says"
    if answer.retry_after is None:
        return None
    if met("postgres"):
        return "Postgres was away"
    if (answer.kind == "content" or answer.stores) and met("archive"):
        return "the archive was away"
    if answer.kind == "content" and "upstream" in str(answer.document.get("detail")):
        return "the video was not archived yet and the upstream's file host failed"
    code = answer.document.get("errorCode") or answer.document.get("code")
    if code in ("PAUSED", "paused") and met("admission"):
        return "an operator had paused admission"
    return None
