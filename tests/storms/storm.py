"""One storm: wishes go out, odd answers come in, everything comes to rest, and is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.generation import CLOSED
from tests.harness.processes import until
from tests.standin.oddities import ODDITIES
from tests.standin.script import Oddity, Point
from tests.storms.draw import Wish
from tests.storms.place import Place, Row

_CLOSED = frozenset(state.value for state in CLOSED)
#: What is given up comes to rest within a storm's deadlines; the rest is a busy machine's.
REST_SECONDS = 120.0
#: How long after that an unfinished archive is waited for, and what is to meet an odd download.
ARCHIVE_SECONDS = 120.0
_HASTEN_SECONDS = 0.5


@dataclass(slots=True)
class Storm:
    """`made`: prompt → id of its generation. `said`: every answer callers were given."""

    wishes: Sequence[Wish]
    made: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def run(
    place: Place, wishes: Sequence[Wish], *, meanwhile: Callable[[], None] | None = None
) -> Storm:
    """`meanwhile` is done once half of them were sent."""
    storm = Storm(wishes)
    for number, wish in enumerate(wishes):
        if meanwhile is not None and number == len(wishes) // 2:
            meanwhile()
        _script(place, wish)
        if wish.victim is not None:
            _until_sent(place, wish.victim)
        storm.made[wish.prompt] = place.caller.create(wish.prompt)
    _rest(place, storm)
    _archive(place, storm)
    _look(place, storm)
    return storm


def _script(place: Place, wish: Wish) -> None:
    script, trial = place.stand_in.script, wish.trial
    if trial is None:
        return
    oddities = [ODDITIES[name] for name in (*wish.trimmings, trial.name)]
    script.on(trial.point, *oddities, prompt=wish.prompt, times=trial.times, other=wish.victim)
    oddity = ODDITIES[trial.name]
    if trial.point is Point.LOOK and oddity.record is not None:
        # What is to be looked at is made so.
        script.on(Point.POST, Oddity(name=oddity.name, record=oddity.record), prompt=wish.prompt)
    if trial.point is Point.POST and oddity.document is not None:
        # A record shows the same at every look.
        script.on(Point.LOOK, oddity, prompt=wish.prompt, times=None,
                  other=wish.victim)  # fmt: skip


def _until_sent(place: Place, prompt: str) -> None:
    until(lambda: place.stand_in.journal.posts_for(prompt), f"{prompt!r} is sent")


def _rest(place: Place, storm: Storm) -> None:
    """What does not rest in time is found by the verdict. On a busy machine a deadline passes
    before a second look: what is to succeed is asked for again, and is waited for."""
    ids, deadline = list(storm.made.values()), time.monotonic() + REST_SECONDS
    right = {wish.prompt: wish.right for wish in storm.wishes}
    while True:
        storm.rows = {row["prompt"]: row for row in place.rows(ids)}
        closed = all(row["state"] in _CLOSED for row in storm.rows.values())
        late = [
            prompt for prompt, row in storm.rows.items()
            if row["reason"] in ("deadline", "unconfirmed") and row["state"] not in right[prompt]
        ]  # fmt: skip
        if (closed and not late) or time.monotonic() > deadline:
            return
        if closed:
            place.hasten("poll")
        time.sleep(0.1)


def _archive(place: Place, storm: Storm) -> None:
    archived = {wish.prompt for wish in storm.wishes if wish.archived}
    deadline = time.monotonic() + ARCHIVE_SECONDS
    while time.monotonic() < deadline:
        rules = place.stand_in.script.unmet()
        unmet = {prompt for point, prompt in rules if point is Point.DOWNLOAD}
        waiting = [
            row for prompt, row in storm.rows.items()
            if row["state"] == "succeeded"
            and (prompt in unmet or (prompt in archived and row["asset"] != "archived"))
        ]  # fmt: skip
        if not waiting:
            return
        place.hasten("archive")
        time.sleep(_HASTEN_SECONDS)
        storm.rows |= {row["prompt"]: row for row in place.rows(list(storm.made.values()))}


def _look(place: Place, storm: Storm) -> None:
    """Every way a caller has of looking at each of them."""
    for made in storm.made.values():
        for path in (f"/api/v1/generations/{made}", f"/api/results/{made}", f"/v1/videos/{made}",
                     f"/luma/v1/generations/{made}"):  # fmt: skip
            storm.said.append(_told(place.caller.get(path)))


def _told(answer: Any) -> str:
    return f"{answer.status_code} {dict(answer.headers)} {answer.text}"
