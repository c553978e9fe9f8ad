"""Reads the options of a video from the requests of other APIs. Pure.

It collects all issues, so that one response names every one, and all adjustments. A null is an
omitted option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.catalog import MAX_END_USER_CHARS, check_text, shown
from app.domain.generation import AspectRatio, Duration, Resolution, VideoModel
from app.domain.metadata import check_metadata
from app.domain.nearest import Aliases, accepted_seconds, find_duration, find_resolution
from app.errors import InvalidRequest, NotOffered, Rejections, summary

#: More bits than any plausible duration in seconds needs.
_NUMBER_BITS = 64


@dataclass(frozen=True, slots=True)
class OptionReader:
    """With `strict`, a duration or resolution that is not offered is refused instead of replaced.
    Paths are those of the caller's JSON. `adjusted` has entries such as `duration=9s->10s`;
    `unoffered` has the paths of what the upstream does not offer."""

    aliases: Aliases
    strict: bool
    issues: Rejections = field(default_factory=Rejections)
    adjusted: list[str] = field(default_factory=list)
    unoffered: list[str] = field(default_factory=list)

    def only(self, values: Mapping[str, Any], allowed: Iterable[str], *, prefix: str = "") -> None:
        """Refuses unknown fields."""
        names = tuple(allowed)
        for name in values:
            if self.issues.full:
                break
            if name not in names:
                self.issues.add(
                    f"{prefix}{shown(name)}", "unknown",
                    f"unknown field; allowed fields are {', '.join(names)}",
                    value=shown(values[name]), allowed=names,
                )  # fmt: skip

    def without(self, values: Mapping[str, Any], names: Iterable[str], *, prefix: str = "") -> None:
        """Refuses fields that only the other API has, unless they are false, empty or null."""
        for name in names:
            if values.get(name):
                message = "not offered by the upstream; leave it out"
                self.not_offered(f"{prefix}{name}", message, values[name])

    def not_offered(
        self, path: str, message: str, value: Any, *, allowed: list[Any] | None = None
    ) -> None:
        self.unoffered.append(path)
        self.issues.add(path, "value", message, value=shown(value), allowed=allowed)

    def prompt(self, value: Any, path: str) -> str:
        """An empty string if there is an issue."""
        if value is None:
            self.issues.add(path, "missing", "this field is required")
            return ""
        return check_text(value, path, self.issues) or ""

    def end_user(self, value: Any, path: str) -> str | None:
        """An empty string is an omitted one."""
        if value is None or value == "":
            return None
        return check_text(value, path, self.issues, most=MAX_END_USER_CHARS)

    def metadata(self, value: Any, path: str) -> dict[str, str]:
        return {} if value is None else check_metadata(value, path, self.issues)

    def model(self, value: Any, path: str) -> VideoModel | None:
        if value is None:
            self.issues.add(path, "missing", "this field is required", allowed=self.aliases.names)
            return None
        found = self.aliases.find(value) if isinstance(value, str) else None
        if found is None:
            self._refuse(value, path, self.aliases.names)
        return found

    def duration(self, value: Any, path: str) -> Duration:
        """Five seconds by default."""
        if value is None:
            return Duration.FIVE_SECONDS
        found = None
        if isinstance(value, str) or (
            isinstance(value, int) and value.bit_length() <= _NUMBER_BITS
        ):
            found = find_duration(value, strict=self.strict)
        if found is None:
            self._refuse(value, path, [f"{s}s" for s in accepted_seconds(strict=self.strict)])
            return Duration.FIVE_SECONDS
        seconds = int(str(value).removesuffix("s").partition(".")[0])
        if seconds != found.seconds:
            self.adjusted.append(f"{path}={seconds}s->{found}")
        return found

    def resolution(self, value: Any, path: str) -> Resolution | None:
        if value is None:
            return None
        found = find_resolution(value, strict=self.strict) if isinstance(value, str) else None
        if found is None:
            self._refuse(value, path, list(Resolution))
        elif found != value:
            self.adjusted.append(f"{path}={value}->{found}")
        return found

    def aspect_ratio(self, value: Any, path: str) -> AspectRatio | None:
        if value is None:
            return None
        if isinstance(value, str) and value in AspectRatio.__members__.values():
            return AspectRatio(value)
        self._refuse(value, path, list(AspectRatio))
        return None

    def flag(self, value: Any, path: str) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        self.issues.add(path, "type", "must be true or false", value=shown(value),
                        allowed=[True, False])  # fmt: skip
        return None

    def _refuse(self, value: Any, path: str, allowed: list[Any]) -> None:
        self.issues.add(
            path, "value", f"must be one of {', '.join(allowed)}", value=shown(value),
            allowed=[str(word) for word in allowed],
        )  # fmt: skip


def invalid(read: OptionReader) -> InvalidRequest:
    """The error for the collected issues: `NotOffered` if there are no others."""
    issues = read.issues.issues
    sound = all(issue.field in read.unoffered for issue in issues)
    return (NotOffered if sound else InvalidRequest)(summary(issues), issues=issues)
