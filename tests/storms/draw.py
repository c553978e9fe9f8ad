"""Which video meets what: drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.standin.script import Point
from tests.storms.right import DOWNLOADS, EITHER, FINE, HELD, LEFT_OUT, LOOKS, POSTS, Ends

#: For oddities that speak of another generation, there is one.
_NEEDS_ANOTHER = frozenset(
    {"echo_of_another", "record_of_another", "failure_of_another", "uuid_of_another"}
)
#: Both of two generations that were given one id are held back, unless the first has ended.
_STRIKES_BOTH = frozenset({"uuid_of_another"})
#: What a transport may do to one look, for which the next makes up.
_TRANSPORT = ("heads", "informational", "framing", "packing", "documents", "redirects",
              "connections")  # fmt: skip
#: Bind a look for longer than a storm lasts.
_LASTS = frozenset({"hang", "hang_unread", "last_byte_missing", "slow_head", "slow_body"})
#: In front of many an answer, and nothing to it.
_TRIMMINGS = ("cookie", "cookie_byte", "cookie_malformed", "header_bytes", "location_at_200",
              "owner_in_headers", "authenticate")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One oddity at one point of a video's way; `times` None: for ever. `archived`: whether its
    film has to come into the archive where it succeeds."""

    point: Point
    name: str
    right: Ends
    times: int | None = 1
    archived: bool = True

    @property
    def label(self) -> str:
        often = "ever" if self.times is None else "once"
        return f"{self.point.value} {often} {self.name}"


@dataclass(frozen=True, slots=True)
class Wish:
    """One video. Without a trial it is well-behaved; `victim` is the prompt that its trial takes
    it for."""

    prompt: str
    right: Ends = FINE
    trial: Trial | None = None
    trimmings: tuple[str, ...] = ()
    victim: str | None = None

    @property
    def archived(self) -> bool:
        return self.trial is None or self.trial.archived

    @property
    def label(self) -> str:
        return "plain" if self.trial is None else self.trial.label


def trials(kind: str, *, held: bool = False) -> list[Trial]:
    """All of a kind: `posts` and one of `POSTS`, `looks` and one of `LOOKS` or `transport`, or
    `downloads`. `held`: creates wait for the video."""
    where, _, which = kind.partition(" ")
    if where == "posts":
        found = POSTS[which]
        names = found.names
        right = {name: EITHER if held and name in HELD else found.right(name) for name in names}
        return [Trial(Point.POST, name, ends) for name, ends in right.items()]
    if kind == "looks transport":
        names = [name for each in _TRANSPORT for name in POSTS[each].names]
        return [Trial(Point.LOOK, name, FINE) for name in names if name not in _LASTS]
    if where == "looks":
        every = LOOKS[which]
        return [
            Trial(Point.LOOK, name, every.right(name), None, not name.startswith("link_"))
            for name in every.names
            if name not in ("uuid_of_another", "never_ready")
        ]
    return [Trial(Point.DOWNLOAD, name, FINE) for name in DOWNLOADS.names if name not in LEFT_OUT]


KINDS = (
    *(f"posts {name}" for name in POSTS), "looks transport", *(f"looks {name}" for name in LOOKS),
    "downloads",
)  # fmt: skip


def wishes(drawn: Sequence[Trial], *, seed: object, plain_every: int = 2) -> list[Wish]:
    """A wish for each trial, with well-behaved ones between them."""
    return list(_wishes(drawn, random.Random(str(seed)), f"storm {seed}", plain_every))


def _wishes(
    drawn: Sequence[Trial], dice: random.Random, name: str, plain_every: int
) -> Iterator[Wish]:
    numbers = iter(range(10_000))

    def prompt() -> str:
        # Has a composed letter, capitals, an ampersand and a tail: what echoes play with.
        return f"{name} no. {next(numbers):04}: Ein Löwe & zwei Füchse," + " weit draußen" * 16

    for number, trial in enumerate(drawn):
        if number % plain_every == 0:
            yield Wish(prompt())
        victim = None
        if trial.name in _NEEDS_ANOTHER:
            victim = prompt()
            yield Wish(victim, EITHER if trial.name in _STRIKES_BOTH else FINE)
        trimmings = (dice.choice(_TRIMMINGS),) if dice.random() < 0.2 else ()
        yield Wish(prompt(), trial.right, trial, trimmings, victim)


def sample(kinds: Sequence[str], *, seed: int, size: int, held: bool = False) -> list[Trial]:
    """So many trials, as evenly of these kinds as it goes."""
    dice = random.Random(seed)
    found = [trials(kind, held=held) for kind in kinds]
    decks = [dice.sample(deck, len(deck)) for deck in found]
    drawn: list[Trial] = []
    while len(drawn) < size and any(decks):
        for deck in decks:
            if deck and len(drawn) < size:
                drawn.append(deck.pop())
    return drawn
