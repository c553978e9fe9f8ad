"""Decisions of operators: what is paused, and how an unknown generation ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pause(StrEnum):
    """What an operator can pause: accepting requests, or sending them to the upstream."""

    ADMISSION = "admission"
    SUBMISSION = "submission"


class Outcome(StrEnum):
    """What an operator found out about an unknown generation."""

    #: The video exists. It is settled, and archived from a link or a file.
    DELIVERED = "delivered"
    #: The upstream has a record of it, which is polled and decides how it ends.
    FOUND = "found"
    #: It was never made or billed. The hold is released.
    NOT_MADE = "not_made"
    #: It was billed and the video is not available. The hold is settled.
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Where an outcome leaves the credits that an unknown generation holds. They add up to them.
    `held` stay where they are until the upstream has been asked."""

    outcome: Outcome
    settled: int = 0
    released: int = 0
    held: int = 0


def effects(quote: int) -> list[Effect]:
    """Of each outcome, in their order."""
    return [
        Effect(outcome=Outcome.DELIVERED, settled=quote),
        Effect(outcome=Outcome.FOUND, held=quote),
        Effect(outcome=Outcome.NOT_MADE, released=quote),
        Effect(outcome=Outcome.LOST, settled=quote),
    ]
