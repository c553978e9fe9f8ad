"""The file of a generation: where it is, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AssetState(StrEnum):
    """The state of a file. Each comment says when it is entered and left, and what a crash
    means."""

    #: The upstream has made it, and as far as is known it is not archived yet. Entered when its
    #: generation succeeds, or when an operator retries it. After a crash the next attempt uses what
    #: the last one had downloaded.
    PENDING = "pending"
    #: Its bytes are in the archive and have been probed. Left when it is deleted.
    ARCHIVED = "archived"
    #: Its bytes are in the archive, but every attempt to probe them ended the process that did.
    #: Left when an operator retries or accepts it.
    SET_ASIDE = "set_aside"
    #: The upstream did not deliver it before its link expired. Left when an operator retries it.
    LOST = "lost"
    #: Deleted by its owner, an administrator or its team's retention. After a crash the bytes are
    #: removed later.
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
