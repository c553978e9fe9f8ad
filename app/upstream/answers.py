"""What the upstream said, as the worker acts on it. The classification is `wire.py`'s.

    Answer
    ├── Running        it has an id and is being made
    ├── Succeeded      the video path is known
    ├── Unconfirmed    there is a file, and a status that nobody documented
    ├── Failed         a definite refusal or failure
    ├── NotProcessed   surely not processed: the POST may be sent again
    ├── Missing        a result look-up knows nothing under that id
    ├── Busy           a result look-up failed; ask again later
    └── Lost           nobody can know whether it was processed

Every `message` is our own sentence. `verbatim` is what the upstream said, where that is worth an
operator's reading; it is kept out of every repr, log and reply. `echo` is the prompt that a record
says it was made for; whose it is, is for the worker to find out. `figures` are those of the paying
account; None where a record has none that can be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.generation import FailureCode
from app.domain.upstream_keys import Figures


class KeyTrouble(StrEnum):
    """Why an upstream key cannot be used for now."""

    REJECTED = "rejected"
    OUT_OF_CREDITS = "out_of_credits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    upstream_id: str
    echo: str | None = field(default=None, repr=False)
    verbatim: str | None = field(default=None, repr=False, compare=False)
    figures: Figures | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """`paths` are storage keys of the documented form. `link` is a presigned URL: a bearer
    credential, kept out of every repr and log."""

    upstream_id: str | None
    paths: tuple[str, ...]
    link: str | None = field(repr=False)
    billed_credits: int | None = None
    echo: str | None = field(default=None, repr=False)
    verbatim: str | None = field(default=None, repr=False, compare=False)
    figures: Figures | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """Neither of a success nor of a failure: `success` holds if the film is there and whole."""

    success: Succeeded
    verbatim: str | None = field(default=None, repr=False, compare=False)
    figures: Figures | None = field(default=None, repr=False, compare=False)

    @property
    def echo(self) -> str | None:
        return self.success.echo


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`upstream_id` is set if the answer was a record with an id that can be polled. `refused` are
    the fields of promptObject that a refusal names, in the upstream's words."""

    code: FailureCode
    message: str
    upstream_id: str | None = None
    billed_credits: int | None = None
    refused: tuple[str, ...] = field(default=(), repr=False)
    echo: str | None = field(default=None, repr=False)
    verbatim: str | None = field(default=None, repr=False, compare=False)
    figures: Figures | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotProcessed:
    """`reason`: `unreachable`, `rate_limited`, `key_rejected`, `key_unknown` (no such label is
    configured), `out_of_credits`, `challenged`, `unsendable` (a fault of this process)."""

    reason: str
    retry_after_seconds: float | None = None
    key_trouble: KeyTrouble | None = None
    echo: str | None = field(default=None, repr=False)
    verbatim: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Missing:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """`reason` as for `NotProcessed` and `Lost`, and `wrong_id`: another record came back."""

    reason: str
    retry_after_seconds: float | None = None
    key_trouble: KeyTrouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """`reason` is a short label for metrics and events, from a small set: `timeout`, `reset`,
    `unreadable`, `too_large`, `not_json`, `no_record`, `no_id`, `http_<status>`."""

    reason: str
    verbatim: str | None = field(default=None, repr=False, compare=False)


SubmitAnswer = Running | Succeeded | Failed | NotProcessed | Lost
ResultAnswer = Running | Succeeded | Unconfirmed | Failed | Missing | Busy
