"""Which request meets which oddity."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tests.standin.answers import Answer
from tests.standin.records import Record
from tests.standin.requests import Request
from tests.standin.wire import Wire

if TYPE_CHECKING:
    from tests.standin.shelf import Shelf


class Point(Enum):
    """Where on the way of one video a request is."""

    POST = "post"
    LOOK = "look"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Scene:
    """What an oddity can see. `record` is None where nothing was made; `other` is the prompt of
    the generation it is taken for, where that matters."""

    request: Request
    record: Record | None
    shelf: Shelf
    other: str | None = None

    def another(self, record: Record) -> Record | None:
        """The one for `other`, or else the newest of another prompt."""
        if self.other is None:
            return self.shelf.another(record)
        return next(iter(self.shelf.made_for(self.other)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """One way in which an answer is not what the documentation leads one to expect. Each step is
    given the result of the one before: the record, the document about it, the answer with that
    document, its bytes, and how they are sent."""

    name: str
    #: Nothing is made or billed, whatever the answer looks like.
    processed: bool = True
    #: And the answer says so.
    repeatable: bool = False
    record: Callable[[Record, Scene], None] | None = None
    document: Callable[[Any, Scene], Any] | None = None
    answer: Callable[[Answer, Scene], Answer] | None = None
    encode: Callable[[Answer], bytes] | None = None
    send: Callable[[Wire, bytes], Awaitable[None]] | None = None


@dataclass(slots=True)
class Rule:
    """`prompt` None: of any request; `times` None: for ever."""

    point: Point
    oddities: tuple[Oddity, ...]
    prompt: str | None = None
    times: int | None = 1
    other: str | None = None
    hits: int = 0

    def fits(self, point: Point, prompt: str | None) -> bool:
        return self.point is point and self.prompt in (None, prompt) and self.times != 0


class Script:
    """Rules are added by a test's thread while the server's takes them."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def on(
        self, point: Point, *oddities: Oddity, prompt: str | None = None, times: int | None = 1,
        other: str | None = None,
    ) -> None:  # fmt: skip
        with self._lock:
            self._rules.append(Rule(point, oddities, prompt, times, other))

    def take(self, point: Point, prompt: str | None) -> tuple[tuple[Oddity, ...], str | None]:
        """What the next such request meets, and whose record it may be taken for: of the first
        rule that fits."""
        with self._lock:
            for rule in self._rules:
                if rule.fits(point, prompt):
                    rule.hits += 1
                    if rule.times is not None:
                        rule.times -= 1
                    return rule.oddities, rule.other
        return (), None

    def unmet(self) -> set[tuple[Point, str | None]]:
        """Where a rule waits that nothing has met yet, and for which prompt."""
        with self._lock:
            return {(rule.point, rule.prompt) for rule in self._rules if not rule.hits}

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
