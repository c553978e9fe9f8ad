"""Combinations that a page or the provider behind it does not make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Source(StrEnum):
    """Where a rule is from."""

    #: The upstream's own page says so.
    DOCUMENTED = "documented"
    #: The provider behind the upstream says so; the upstream may do it in another way.
    INFERRED = "inferred"
    #: Requests were refused for it.
    LEARNED = "learned"


class Flagged(StrEnum):
    """What becomes of a request that breaks a flagged rule."""

    REFUSE = "refuse"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A request breaks it that has one of the values of every field in `when`, by our names and in
    our words; None stands for a field that is left out. `field` is the one that errors name, and
    `reason` is the rest of their sentence.

    A flagged rule is not certain, so a setting says what becomes of the request. Every other one
    refuses it.
    """

    when: Mapping[str, tuple[Any, ...]]
    field: str
    reason: str
    source: Source
    flagged: bool = False

    def broken_by(self, values: Mapping[str, Any]) -> bool:
        return all(values.get(name) in wrong for name, wrong in self.when.items())
