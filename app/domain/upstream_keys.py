"""An upstream key: whether it is in use, its circuit breaker, and the figures of its account."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What an answer says of the account that pays: for operators only, and for no log."""

    used: int = field(repr=False)
    credit_limit: int = field(repr=False)


class KeyCheck(StrEnum):
    """What a harmless look-up says about a key."""

    OK = "ok"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"


class KeyState(StrEnum):
    """Whether an upstream key is in use. Each comment says when it is entered, when it is left, and
    what a crash means.

    A generation is polled with the key that created it, in either state.
    """

    #: Entered at the start, when a key's time aside is over, or by an operator. A crash changes
    #: nothing.
    ACTIVE = "active"
    #: The upstream rejected the key, or its account is out of credits, so nothing is submitted
    #: through it. Upkeep returns it to `active` after ten minutes, or an operator does. One whose
    #: account has reached its reserve returns once the account's figures allow it: upkeep looks
    #: them up. After a crash any worker's upkeep does all that.
    SET_ASIDE = "set_aside"
    #: An operator wants nothing submitted through it. Left by an operator only. A crash changes
    #: nothing.
    PAUSED = "paused"


class BreakerState(StrEnum):
    """Whether submissions go through an upstream key. Each comment says when it is entered, when it
    is left, and what a crash means.

    A submission without an answer may have been paid for and becomes `unknown`, so an upstream that
    does not answer must not be sent many. A look-up is free and shows that the upstream is
    reachable; only an answered submission shows that it answers submissions.
    """

    #: Submissions go through. Entered at the start, and from any state when a submission is
    #: answered after a probe. Left to `open` after several consecutive submissions without an
    #: answer, or if nothing is heard at all. A crash changes nothing: the failures so far are in
    #: the row.
    CLOSED = "closed"
    #: Nothing is submitted. When its time is over, upkeep sends a probe, which is a free look-up;
    #: each probe doubles the time until the next. Left to `half_open` when a probe is answered.
    #: After a crash during a probe any worker sends the next one, whose time is already set.
    OPEN = "open"
    #: A probe was answered, so one submission may go: the trial. Left to `closed` when that is
    #: answered, and to `open` when it fails. After a crash during a trial, upkeep probes again when
    #: its time is over.
    HALF_OPEN = "half_open"
