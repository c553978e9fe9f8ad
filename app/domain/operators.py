"""What operators decide: what is paused, and how an unknown generation ends."""

from __future__ import annotations

from enum import StrEnum


class Switch(StrEnum):
    """`admission` takes nothing in, `submission` sends nothing out; the rest goes on."""

    ADMISSION = "admission"
    SUBMISSION = "submission"


class Outcome(StrEnum):
    """What an operator found out about an unknown generation."""

    #: The video exists: it is settled and archived from a link or a file.
    DELIVERED = "delivered"
    #: The upstream has a record of it: it is asked for, and ends by what the record says.
    FOUND = "found"
    #: It was never made or billed: the hold is released.
    NOT_MADE = "not_made"
    #: It was billed and the video cannot be had: it is settled.
    LOST = "lost"
