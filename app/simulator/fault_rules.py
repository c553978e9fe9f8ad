"""Rules that say which requests get which fault, and how often.

They are lost when the process ends. Their effect on a record is stored with the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.simulator import faults
from app.simulator.accounts import fingerprint
from app.simulator.faults import FAULTS, Fault, InvalidFault

_MATCHES = ("prompt_contains", "path", "account")


@dataclass(slots=True, kw_only=True)
class Rule:
    """With `times` None there is no limit. `account` is a key or its fingerprint. `hits` counts the
    requests that got the fault."""

    number: int
    fault: Fault
    path: str
    prompt_contains: str | None
    account: str | None
    times: int | None
    hits: int = 0

    def matches(self, path: str, prompt: str | None, account: str) -> bool:
        if self.path != path or (self.times is not None and self.hits >= self.times):
            return False
        if self.prompt_contains is not None and self.prompt_contains not in (prompt or ""):
            return False
        return self.account is None or account in (self.account, fingerprint(self.account))

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "fault": {"name": self.fault.name, **self.fault.options},
            "match": {"path": self.path, "prompt_contains": self.prompt_contains},
            "times": self.times,
            "hits": self.hits,
        }


class FaultRules:
    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._numbers = 0

    def add(self, body: Any) -> Rule:
        """Raises `InvalidFault` for a rule that would not do what its author meant."""
        if not isinstance(body, dict) or set(body) - {"match", "times", "fault"}:
            raise InvalidFault("a rule is {match: {...}, times: number or null, fault: {...}}")
        fault = faults.parse(body.get("fault"))
        match, times = body.get("match") or {}, body.get("times")
        if not isinstance(match, dict) or set(match) - set(_MATCHES):
            raise InvalidFault(f"match takes {', '.join(_MATCHES)}")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise InvalidFault("times must be a positive number or null")
        paths = FAULTS[fault.name].paths
        path = match.get("path") or paths[0]
        if path not in paths:
            raise InvalidFault(f"{fault.name} is possible on {', '.join(paths)}, not on {path}")
        self._numbers += 1
        rule = Rule(
            number=self._numbers,
            fault=fault,
            path=path,
            prompt_contains=match.get("prompt_contains"),
            account=match.get("account"),
            times=times,
        )
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def find(self, path: str, *, prompt: str | None, account: str) -> Fault | None:
        """The fault of the first matching rule, which counts a hit; or else of the prompt."""
        for rule in self.rules:
            if rule.matches(path, prompt, account):
                rule.hits += 1
                return rule.fault
        return faults.in_prompt(prompt, path)
