"""The file of a generation: where it is, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AssetState(StrEnum):
    """Where a file is. Each line: who enters, who leaves, what a crash here means."""

    #: The upstream has made it and its bytes are not in the archive, as far as is known. Entered
    #: with the success of its generation, or by an operator who has it tried again. A crash: the
    #: next attempt begins, and takes over what the last one had downloaded.
    PENDING = "pending"
    #: Its bytes are in the archive and were looked into. Left when it is deleted.
    ARCHIVED = "archived"
    #: Its bytes are in the archive, and nobody knows what they are: each attempt to look into them
    #: ended the process that did. Left by an operator, who has it tried again or accepts it.
    SET_ASIDE = "set_aside"
    #: It could not be had from the upstream until its link was dead. Left by an operator, who has
    #: it tried again.
    LOST = "lost"
    #: Deleted by its owner, an administrator or its team's retention. A crash: the bytes go later.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was written to the archive; `sha256` in lower-case hex."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A video as a player shows it: upright, with square pixels. `codec` is the stream's."""

    duration_seconds: float
    width: int
    height: int
    codec: str
    frame_rate: float | None
    has_audio: bool
