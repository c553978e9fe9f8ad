"""Decisions of operators: what is paused, and how an unknown generation ends."""

from __future__ import annotations

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
