"""What a run does, to whom and when, made from the seed alone: the same seed makes the same plan.

The machine's own timing is not in it. A replay has the same faults in the same order at nearly
the same moments, but not between the same two instructions.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.accounts import Period
from app.domain.limits import Limits
from app.simulator.faults import ASSETS, PATHS
from tests.chaos.faults import DOWNLOAD, LOOK_UP, SUBMISSION, UPLOAD, Fault

PRICE = 150_000
APIS, WORKERS, KEYS = 3, 2, 8
#: So many images there are: several people send the same one.
IMAGES = 6

#: Kind → weight. The first three of these, and those of Postgres and the upstream, are `kill -9`.
DISRUPTIONS = {
    "kill_api": 30,
    "kill_worker": 36,
    "kill_postgres": 6,
    "kill_upstream": 6,
    "freeze_api": 5,
    "freeze_worker": 7,
    "restart_api": 7,
    "restart_worker": 6,
    "roll": 1,
    "cut_connections": 5,
    "fill_disk": 3,
    "break_archive": 4,
    "fill_archive": 3,
    "slow_archive": 3,
    "advance_clock": 3,
    "delay_clock": 3,
    "break_tls": 3,
    "reject_key": 3,
    "empty_key": 3,
    "limit_rate": 2,
    "pause_admission": 1,
    "pause_submission": 3,
    "set_cookies": 4,
    "redirect_answers": 3,
    "pack_answers": 3,
    "show_another": 3,
    "slow_downloads": 3,
    "poison_films": 3,
    "hold_connections": 4,
}
KILLS = ("kill_api", "kill_worker", "kill_postgres", "kill_upstream")
_TARGETS = {
    "api": APIS, "worker": WORKERS, "tls": WORKERS, "key": KEYS, "clock": APIS + WORKERS,
}  # fmt: skip
#: What a receiver does before it takes what it is told → weight.
_MOODS = {(): 10, ("refused",): 5, ("hung",): 3, ("hung", "refused"): 2}
_ROOM = Limits(credit_limit=10**12, rate_per_minute=60_000, rate_burst=60_000, max_open=10_000)


@dataclass(frozen=True, slots=True)
class Disruption:
    """`target` counts processes or keys; `seconds` is how long it lasts, where it lasts."""

    at: float
    kind: str
    target: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One video a client wants. `token` tells its prompt from every other one."""

    number: int
    at: float
    member: int
    api: int
    waits: bool
    keyed: bool
    hangs_up_after: float | None
    cancels: bool
    reuses: bool
    faults: tuple[Fault, ...]
    #: It wants to be told by webhook, and what its receiver does first: `refused`, `hung`.
    told: bool = False
    moods: tuple[str, ...] = ()
    #: The image that its video begins with, by number; and whether it is uploaded first, or is in
    #: the create.
    image: int | None = None
    uploads: bool = False

    @property
    def token(self) -> str:
        return f"{self.number:05}#"

    @property
    def prompt(self) -> str:
        return f"chaos {self.token}"

    @property
    def other_prompt(self) -> str:
        """Sent with a key that another body has used: never to be made."""
        return f"another body {self.number:05}!"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    team: str
    limits: Limits
    team_credits: int | None = None
    #: The days of its team begin in the middle of the run.
    turns: bool = False
    #: How often it asks, beside the others.
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """So many more videos for a member, from a moment of the run on, and for so long."""

    at: float
    member: int
    videos: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    seconds: float
    people: tuple[Person, ...]
    asks: tuple[Ask, ...]
    disruptions: tuple[Disruption, ...]
    grants: tuple[Grant, ...] = ()


def make(*, generations: int, minutes: float, seed: int, every_seconds: float = 1.5) -> Plan:
    """`every_seconds` is the mean time between two disruptions."""
    dice, seconds = random.Random(seed), minutes * 60
    people = _people(generations)
    return Plan(
        seed=seed,
        seconds=seconds,
        people=people,
        asks=tuple(_pictured(seed, _told(seed, _asks(dice, generations, seconds, people)))),
        disruptions=tuple(_disruptions(dice, seconds, every_seconds)),
        grants=tuple(_grants(seed, people, seconds)),
    )


def _people(generations: int) -> tuple[Person, ...]:
    """Half of them with limits that bind now and then: open, rate, credits of member and team."""
    few = max(3, generations // 25)
    return (
        *(Person(f"ample-{number}", "studio", _ROOM, weight=2) for number in range(5)),
        Person("narrow", "studio", _with(max_open=3)),
        Person("hasty", "studio", _with(rate_per_minute=12, rate_burst=2)),
        Person("poor", "studio", _with(credit_limit=few * PRICE + PRICE // 2)),
        Person("shared-1", "shared", _ROOM, team_credits=2 * few * PRICE),
        Person("shared-2", "shared", _ROOM, team_credits=2 * few * PRICE),
        Person("daily", "turning", _with(credit_limit=few * PRICE, credit_period=Period.DAY),
               turns=True, weight=5),
        Person("granted", "studio", _with(credit_limit=PRICE), weight=2),
    )  # fmt: skip


def _grants(seed: int, people: Sequence[Person], seconds: float) -> Iterator[Grant]:
    """Some end during the run, so that more is used than there is any more."""
    dice = random.Random(f"grants of {seed}")
    count = max(3, int(seconds / 15))
    for number in range(count):
        yield Grant(
            at=seconds * 0.9 * (number + dice.random()) / count,
            member=next(i for i, person in enumerate(people) if person.name == "granted"),
            videos=dice.randrange(1, 4),
            seconds=dice.choice([5.0, 20.0, 600.0]),
        )


def _with(**limits: Any) -> Limits:
    return Limits(
        **{
            "credit_limit": 10**12, "rate_per_minute": 60_000, "rate_burst": 60_000,
            "max_open": 10_000, **limits,
        }
    )  # fmt: skip


def _asks(
    dice: random.Random, generations: int, seconds: float, people: Sequence[Person]
) -> Iterator[Ask]:
    """More than are wanted, as limits refuse some. No fault twice before each came once."""
    count = generations * 8 // 5
    decks = [_dealt(dice, deck) for deck in (SUBMISSION, LOOK_UP, DOWNLOAD)]
    weights = [person.weight for person in people]
    at, member = 0.0, 0
    for number in range(count):
        waits = dice.random() < 0.5
        # Now and then one person wants several videos at the same moment, of several processes.
        if number == 0 or dice.random() < 0.7:
            at = seconds * 0.95 * (number + dice.random()) / count
            member = dice.choices(range(len(people)), weights)[0]
        yield Ask(
            number=number,
            at=at,
            member=member,
            api=dice.randrange(APIS),
            waits=waits,
            keyed=dice.random() < 0.6,
            hangs_up_after=dice.uniform(0.01, 2.0) if waits and dice.random() < 0.3 else None,
            cancels=dice.random() < 0.15,
            reuses=dice.random() < 0.15,
            faults=_faults_of(dice, decks),
        )


def _told(seed: int, asks: Iterable[Ask]) -> Iterator[Ask]:
    """Half of those that do not wait want to be told. By dice of its own: what else a seed makes
    is the same with it and without."""
    dice = random.Random(f"told of {seed}")
    for ask in asks:
        wants, moods = dice.random() < 0.5, dice.choices(list(_MOODS), list(_MOODS.values()))[0]
        yield replace(ask, told=True, moods=moods) if wants and not ask.waits else ask


def _pictured(seed: int, asks: Iterable[Ask]) -> Iterator[Ask]:
    """A third of the videos begin with an image. By dice of its own, as above."""
    dice = random.Random(f"pictures of {seed}")
    deck = _dealt(dice, UPLOAD)
    for ask in asks:
        if dice.random() >= 1 / 3:
            yield ask
            continue
        luck, faults = dice.random(), ask.faults
        if luck < 0.5:
            faults = (*faults, next(deck))
        elif luck < 0.7:
            faults = (
                *faults,
                Fault("delay", ASSETS, {"seconds": round(dice.uniform(0.2, 2.0), 1)}),
            )
        yield replace(ask, faults=faults, image=dice.randrange(IMAGES), uploads=dice.random() < 0.5)


def _dealt(dice: random.Random, deck: tuple[Fault, ...]) -> Iterator[Fault]:
    while True:
        yield from dice.sample(deck, len(deck))


def _faults_of(dice: random.Random, decks: list[Iterator[Fault]]) -> tuple[Fault, ...]:
    """None, one, or several together on the way of one generation. Where nothing goes wrong it may
    still take its time, so that other faults meet it half way."""
    faults = []
    for path, deck, chance in zip(PATHS, decks, (0.3, 0.15, 0.2), strict=True):
        luck = dice.random()
        if luck < chance:
            faults.append(next(deck))
        elif luck < chance + 0.3:
            faults.append(Fault("delay", path, {"seconds": round(dice.uniform(0.2, 2.5), 1)}))
    return tuple(faults)


def _length(dice: random.Random, kind: str) -> float:
    """A freeze is now and then longer than Postgres lets a transaction stand still."""
    if kind.startswith("freeze") and dice.random() < 0.1:
        return 18.0
    return dice.uniform(0.5, 6.0)


def _disruptions(dice: random.Random, seconds: float, every: float) -> Iterator[Disruption]:
    """One of each kind first, in any order, then by weight; evenly spread and shaken."""
    count = int(seconds / every)
    kinds = itertools.chain(
        dice.sample(list(DISRUPTIONS), len(DISRUPTIONS)),
        iter(lambda: dice.choices(list(DISRUPTIONS), list(DISRUPTIONS.values()))[0], None),
    )
    for number, kind in zip(range(count), kinds, strict=False):
        yield Disruption(
            at=seconds * 0.95 * (number + dice.random()) / count,
            kind=kind,
            target=dice.randrange(_TARGETS.get(kind.split("_")[-1], 1)),
            seconds=_length(dice, kind),
        )
