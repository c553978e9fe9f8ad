"""Where an upstream key is: whether it may be used at all, and its circuit breaker."""

from __future__ import annotations

from enum import StrEnum


class KeyState(StrEnum):
    """Whether an upstream key is used. Each line: who enters, who leaves, what a crash means.

    A generation is polled with the key that made it, in either state.
    """

    #: Entered at the start, when its time aside is over, or by an operator. A crash is no matter.
    ACTIVE = "active"
    #: The upstream refused the key, or its account is out of credits: nothing is submitted through
    #: it. Left to `active` by upkeep after ten minutes, or by an operator. A crash: any worker's
    #: upkeep brings it back.
    SET_ASIDE = "set_aside"


class BreakerState(StrEnum):
    """Whether submissions go through an upstream key. Each line: who enters, who leaves, what a
    crash here means.

    A submission that is not answered may have been paid for and ends as `unknown`, so an upstream
    that answers none must not be sent many. A look-up costs nothing and shows that the upstream is
    there; only an answered submission shows that it answers those.
    """

    #: Submissions go through. Entered at the start, and from any state by an answer to a submission
    #: once the breaker has been probed. Left to `open` after several submissions in a row without
    #: an answer, or where nothing at all is heard. A crash: the failures so far are in the row.
    CLOSED = "closed"
    #: Nothing is submitted. When its time is over upkeep makes a probe, a free look-up, and each
    #: probe doubles the time until the next. Left to `half_open` by a probe that is answered. A
    #: crash during a probe: the time until the next one is already set, and any worker makes it.
    OPEN = "open"
    #: A probe was answered: one submission may go, the trial. Left to `closed` by its answer, and
    #: to `open` by its failure. A crash during a trial: when its time is over upkeep probes again.
    HALF_OPEN = "half_open"
