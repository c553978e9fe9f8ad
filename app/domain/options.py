"""Reads the options of a video from the requests of other APIs. Pure.

It collects all issues, so that one response names every one, and all adjustments. A null is an
omitted option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.catalog.images import Images, Place
from app.domain.catalog.models import NO_OPTIONS, Model, Offered, rule_issue
from app.domain.catalog.pages import MAX_ASSET_CHARS, Field
from app.domain.catalog.spec import Facts, Spec, ratio_of
from app.domain.metadata import check_metadata
from app.domain.nearest import Aliases, accepted_seconds, find_lines, find_seconds
from app.domain.text import MAX_END_USER_CHARS, check_text, shown
from app.errors import InvalidRequest, NotOffered, Rejections, summary

#: More bits than any plausible duration in seconds needs.
_NUMBER_BITS = 64
_USUAL_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Named:
    """An image, as the caller names it, and where."""

    value: Any
    path: str


@dataclass(slots=True)
class OptionReader:
    """With `strict`, a duration or resolution that is not offered is refused instead of replaced.
    Paths are those of the caller's JSON. `adjusted` has entries such as `duration=9s->10s`;
    `unoffered` has the paths of what the upstream does not offer. What else is offered depends on
    the model, so that is read first; where there is none, the rest is read as for any other."""

    aliases: Aliases
    strict: bool
    issues: Rejections = field(default_factory=Rejections)
    adjusted: list[str] = field(default_factory=list)
    unoffered: list[str] = field(default_factory=list)
    chosen: Model | None = None
    #: Where the caller says each field.
    paths: dict[str, str] = field(default_factory=dict)
    #: And each image.
    image_paths: dict[Place, str] = field(default_factory=dict)

    @property
    def model_or_first(self) -> Model:
        """Where no model was chosen, what else is wrong is found by the first one."""
        return self.chosen or next(iter(self.aliases.catalog.enabled.values()))

    @property
    def offered(self) -> Offered:
        return self.model_or_first.offered

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

    def model(self, value: Any, path: str) -> Model | None:
        if value is None:
            self.issues.add(path, "missing", "this field is required", allowed=self.aliases.names)
            return None
        self.chosen = self.aliases.find(value) if isinstance(value, str) else None
        if self.chosen is None:
            self._refuse(value, path, self.aliases.names)
        return self.chosen

    def images(
        self, first: Named, last: Named | None = None, references: Sequence[Named] = ()
    ) -> dict[str, Any]:
        """The values of the fields with the images that a video is to begin with, to end with and
        to be like, as the caller names them. Then the model is the one that takes them, so this is
        read before what else depends on the model. A value of None is an omitted one."""
        if self.chosen is None:
            return {}
        given = [each for each in (first, last, *references) if each and each.value is not None]
        if not given:
            if any(each.required for each in self.chosen.image_fields):
                self.issues.add(first.path, "missing", "this model needs an image")
            return {}
        wanted = Images(
            first=first in given, last=last is not None and last in given,
            references=len([each for each in references if each in given]),
        )  # fmt: skip
        found = self.aliases.catalog.with_images(self.chosen, wanted)
        places = None if found is None else found.places(wanted)
        if found is None or places is None:
            self._refuse_images(self.chosen, wanted, first, last, given)
            return {}
        self.chosen = found
        values: dict[str, Any] = {}
        for place, each in zip(places, given, strict=True):
            name, at = place
            self.image_paths[place] = each.path
            word = check_text(each.value, each.path, self.issues, most=MAX_ASSET_CHARS)
            if at is None:
                values[name] = word
            else:
                values.setdefault(name, []).append(word)
        return values

    def _refuse_images(
        self, model: Model, wanted: Images, first: Named, last: Named | None, given: list[Named]
    ) -> None:
        """Names the first image that is one too many."""
        takes = self.aliases.catalog.with_images
        if wanted.first and not takes(model, Images(first=True)):
            path, message = first.path, "this model makes videos from text alone; leave it out"
            if takes(model, Images(first=True, last=True)):
                message = "this model needs a last image too"
        elif wanted.last and last and not takes(model, replace(wanted, references=0)):
            path, message = last.path, "this model takes no last image; leave it out"
        else:
            path, message = given[-1].path, "this model takes no such images, or not as many"
        self.not_offered(path, message, "(an image)")

    def seconds(self, value: Any, path: str) -> int | None:
        """Five by default, or the next longer that is made. None where the model has no choice."""
        made = self.offered.seconds
        self.paths["duration"] = path
        if not made:
            self._no_choice(value, path)
            return None
        if value is None:
            return usual_seconds(made)
        found = None
        if isinstance(value, str) or (
            isinstance(value, int) and value.bit_length() <= _NUMBER_BITS
        ):
            found = find_seconds(value, made, strict=self.strict)
        if found is None:
            accepted = accepted_seconds(made, strict=self.strict)
            self._refuse(value, path, [f"{seconds}s" for seconds in accepted])
            return None
        seconds = int(str(value).removesuffix("s").partition(".")[0])
        if seconds != found:
            self.adjusted.append(f"{path}={seconds}s->{found}s")
        return found

    def lines(self, value: Any, path: str) -> int | None:
        made = self.offered.lines
        self.paths["resolution"] = path
        if value is None or not made:
            self._no_choice(value, path)
            return None
        found = find_lines(value, made, strict=self.strict) if isinstance(value, str) else None
        if found is None:
            self._refuse(value, path, [f"{lines}p" for lines in made])
        elif f"{found}p" != value:
            self.adjusted.append(f"{path}={value}->{found}p")
        return found

    def aspect_ratio(self, value: Any, path: str) -> tuple[int, int] | None:
        made = self.offered.aspect_ratios
        self.paths["aspect_ratio"] = path
        if value is None or not made:
            self._no_choice(value, path)
            return None
        if isinstance(value, str) and value in made:
            return ratio_of(value)
        self._refuse(value, path, list(made))
        return None

    def loop(self, value: Any, path: str) -> bool | None:
        found = self.flag(value, path)
        self.paths["loop"] = path
        if found and not self.offered.loop:
            self._no_choice(value, path)
        return found if self.offered.loop else None

    def spec(
        self,
        model: Model,
        facts: Facts,
        images: Mapping[str, Any],
        *,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> Spec:
        """What was read, if no rule refuses it. `options` are others that the API has. Raises
        `InvalidRequest`."""
        spec = model.spec_of(facts, images=images, options=options)
        for rule in model.broken_rules(spec.values):
            path = self.paths.get(rule.field, rule.field)
            rule_issue(rule, path, spec.values, self.issues)
        for field_, reason in model.misplaced(spec.values):
            paths = (path for place, path in self.image_paths.items() if place[0] == field_.name)
            self.issues.add(next(paths, field_.name), "value", reason)
        if self.issues.issues:
            raise invalid(self)
        return spec

    def _no_choice(self, value: Any, path: str) -> None:
        if value is not None:
            self.not_offered(path, "this model has no such choice; leave it out", value)

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


def path_of(paths: Mapping[Place, str], otherwise: str) -> Callable[[Field, int | None], str]:
    """Where a request has its images: `paths` as they were read, of a spec that was. Any other has
    them where `otherwise` says."""
    return lambda field_, at: paths.get((field_.name, at), otherwise)


def invalid(read: OptionReader) -> InvalidRequest:
    """The error for the collected issues: `NotOffered` if there are no others."""
    issues = read.issues.issues
    sound = all(issue.field in read.unoffered for issue in issues)
    return (NotOffered if sound else InvalidRequest)(summary(issues), issues=issues)


def usual_seconds(made: Sequence[int]) -> int:
    """What these APIs' callers expect of a request that does not say: five, or the next longer."""
    return next((each for each in made if each >= _USUAL_SECONDS), made[-1])
