"""Whether what a page shows as an answer is what really came.

`…` stands for anything within a line, and alone in a line for any number of lines. In JSON, a
member `"…"` stands for further members, and an item `"…"` at the end for further items. What
differs from run to run is compared by its form: ids, times, keys, upstream keys. An id that the
page shows twice has to come twice. All else must be the same.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_IDS = (_UUID, r"video_[0-9a-f]{32}")
#: The form of what differs from run to run. The first that fits counts.
_FORMS = (
    *_IDS,
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?",
    r"\b[0-9a-f]{24,}\b",
    r"rg_\w+",
    r"\bkey[1-9]\b",
    r"…",
)
_FORM = re.compile("|".join(f"({form})" for form in _FORMS))
#: Seconds since 1970: compared by type.
_LARGE = 10**9


def differences(language: str, shown: str, real: str) -> list[str]:
    """One sentence for each."""
    if language == "json":
        try:
            return _Json().compare("answer", json.loads(shown), json.loads(real))
        except ValueError as error:
            return [f"no JSON ({error}): {real[:500]!r}"]
    # The width of a column follows from what is in it.
    one, other = (re.sub(r"[ \t]+(\n|$)", r"\1", re.sub(r"[ \t]+", " ", t)) for t in (shown, real))
    if _same(one.rstrip("\n") + "\n", other.rstrip("\n") + "\n", {}):
        return []
    return [f"the page shows\n{shown}and what came is\n{real}"]


def _same(shown: str, real: str, ids: dict[str, str]) -> bool:
    """`ids` has the real ones of those that were shown so far."""
    pattern, tokens = "", []
    for line in shown.splitlines(keepends=True):
        if line.strip() == "…" and line.endswith("\n"):
            pattern += r"(?:.*\n)*?"
            continue
        at = 0
        for found in _FORM.finditer(line):
            form = _FORMS[(found.lastindex or 0) - 1]
            pattern += re.escape(line[at : found.start()])
            if form in _IDS:
                tokens.append(found[0])
                pattern += f"({form})"
            else:
                pattern += ".*" if form == "…" else f"(?:{form})"
            at = found.end()
        pattern += re.escape(line[at:])
    matched = re.fullmatch(pattern, real)
    return matched is not None and all(
        ids.setdefault(token, real_id) == real_id
        for token, real_id in zip(tokens, matched.groups(), strict=True)
    )


class _Json:
    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def compare(self, where: str, shown: Any, real: Any) -> list[str]:
        if isinstance(shown, dict) and isinstance(real, dict):
            return self._objects(where, shown, real)
        if isinstance(shown, list) and isinstance(real, list):
            return self._arrays(where, shown, real)
        if isinstance(shown, str) and isinstance(real, str):
            same = _same(shown, real, self._ids)
        elif isinstance(shown, int) and isinstance(real, int) and min(shown, real) >= _LARGE:
            same = True
        else:
            same = type(shown) is type(real) and shown == real
        return [] if same else [f"{where} is {real!r}, shown is {shown!r}"]

    def _objects(self, where: str, shown: dict[str, Any], real: dict[str, Any]) -> list[str]:
        missing = shown.keys() - real.keys() - {"…"}
        unshown = set() if "…" in shown else real.keys() - shown.keys()
        found = [f"{where}.{name} is not there" for name in sorted(missing)]
        found += [f"{where}.{name} is not shown" for name in sorted(unshown)]
        for name in shown:
            if name in real:
                found += self.compare(f"{where}.{name}", shown[name], real[name])
        return found

    def _arrays(self, where: str, shown: list[Any], real: list[Any]) -> list[str]:
        further = shown[-1:] == ["…"]
        expected = shown[:-1] if further else shown
        found = []
        if len(real) < len(expected) or (len(real) > len(expected) and not further):
            found.append(f"{where} has {len(real)} items, shown are {len(expected)}")
        for number, (one, other) in enumerate(zip(expected, real, strict=False)):
            found += self.compare(f"{where}[{number}]", one, other)
        return found
