"""When to poll a result. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: Fewer finished generations of a kind do not show how long the next one takes.
ENOUGH_SAMPLES = 5
#: The first poll comes at this share of the fastest tenth's time; an earlier one is wasted.
_FIRST_SHARE = 0.9
#: The share of the upstream's request budget that polls may use. Submissions have priority.
_POLL_SHARE = 0.6
_UNKNOWN_LEAST_SECONDS = 60.0
_UNKNOWN_MOST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the upstream may be polled, in seconds; requests per minute are for one key."""

    first_seconds: float
    least_seconds: float
    requests_per_minute: int

    def first_look(self, *, samples: int, p10_seconds: float) -> float:
        """Seconds from the submission to the first poll."""
        if samples < ENOUGH_SAMPLES:
            return self.first_seconds
        return max(self.least_seconds, _FIRST_SHARE * p10_seconds)

    def next_look(self, *, running: int) -> float:
        """Seconds to the next poll while `running` generations share the budget."""
        return max(self.least_seconds, self.round(running=running))

    def round(self, *, running: int) -> float:
        """Seconds in which the budget allows one poll of each."""
        return running / (self.requests_per_minute * _POLL_SHARE / 60)

    def next_look_at_unknown(self, *, elapsed_seconds: float) -> float:
        """Seconds to the next poll: a tenth of the time since submission, within limits."""
        return min(max(elapsed_seconds / 10, _UNKNOWN_LEAST_SECONDS), _UNKNOWN_MOST_SECONDS)
