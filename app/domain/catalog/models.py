"""Models: what callers name. A model is a page with some fields fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from app.domain.catalog.images import FRAMES, LAST, REFERENCES, Images, Place
from app.domain.catalog.pages import Field, Form, Kind, Page
from app.domain.catalog.rules import Rule
from app.domain.catalog.spec import Facts, Spec, kind_of, lines_of, ratio_of, seconds_of
from app.errors import Rejections

NO_UPLOADS: Mapping[str, str] = MappingProxyType({})
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The facts that a request may ask of a model; empty where it has no such field."""

    seconds: tuple[int, ...]
    aspect_ratios: tuple[str, ...]
    lines: tuple[int, ...]
    loop: bool


@dataclass(frozen=True, kw_only=True)
class Model:
    """`fixed` are values of the page's fields by our names: who names the model has chosen them.
    `defaults` are filled in for APIs that cannot say them; the native one, and ours, can.

    `source` says where the entry is from, and `as_of` when. A model that is not `enabled` is
    refused, and `reason` says why. `text_model` is the model that makes the same from text alone.
    """

    id: str
    page: Page
    source: str
    as_of: date
    fixed: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    reason: str | None = None
    retires_on: date | None = None
    text_model: str | None = None

    @property
    def feature(self) -> str:
        return self.page.feature

    @property
    def provider(self) -> str:
        return self.page.provider

    @property
    def end(self) -> dict[str, str]:
        """The member of a list of models that says when it ends, where that is known."""
        return {} if self.retires_on is None else {"retires_on": self.retires_on.isoformat()}

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Those that a request may have."""
        return tuple(
            each for each in self.page.fields
            if each.name not in self.fixed
            and not each.excluded_by(self.fixed, by=each.only_with.keys() & self.fixed.keys())
        )  # fmt: skip

    @cached_property
    def image_fields(self) -> tuple[Field, ...]:
        """Those whose values are images."""
        return tuple(each for each in self.fields if each.kind in (Kind.ASSET, Kind.ASSETS))

    @cached_property
    def first_frame(self) -> Field | None:
        """The field of the image that a video begins with. None: it is made of text alone, or of
        several images."""
        single = (each for each in self.fields if each.kind is Kind.ASSET)
        return next((each for each in single if each.name != LAST), None)

    def places(self, images: Images) -> list[Place] | None:
        """Where a request of this model has these images, in their order. None: it does not take
        them, or not without others."""
        names = {each.name: each for each in self.image_fields}
        found: list[Place] = []
        frames = names.get(FRAMES)
        if frames is not None and images.first and images.last:
            found += [(FRAMES, 0), (FRAMES, 1)]
        elif images.first and self.first_frame is not None:
            found.append((self.first_frame.name, None))
        elif images.first:
            return None
        if images.last and not frames:
            if LAST not in names:
                return None
            found.append((LAST, None))
        elif images.last and (FRAMES, 1) not in found:
            return None
        found += [(REFERENCES, at) for at in range(images.references)]
        if images.references and REFERENCES not in names:
            return None
        counts = Counter(name for name, _ in found)
        for each in names.values():
            count = counts[each.name]
            if count == 0 and each.required:
                return None
            if count and each.kind is Kind.ASSETS and not each.holds(count):
                return None
        return found

    @cached_property
    def form(self) -> Form:
        """How the own REST names the fields."""
        return Form(self.fields, native=False)

    @cached_property
    def offered(self) -> Offered:
        names = {each.name: each for each in self.fields}
        choices = {name: each.choices for name, each in names.items()}
        seconds = map(seconds_of, choices.get("duration", ()))
        lines = map(lines_of, choices.get("resolution", ()))
        return Offered(
            seconds=tuple(sorted(each for each in seconds if each is not None)),
            aspect_ratios=tuple(
                each for each in choices.get("aspect_ratio", ()) if ratio_of(each) is not None
            ),
            lines=tuple(sorted(each for each in lines if each is not None)),
            loop="loop" in names and names["loop"].kind is Kind.FLAG,
        )

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Those that its Specs can be of."""
        return tuple(kind_of(self.id, seconds) for seconds in (None, *self.offered.seconds))

    def check(self, values: Mapping[str, Any], *, prefix: str, issues: Rejections) -> Spec | None:
        """The Spec of values by our names; None if there are issues, which are added."""
        before = len(issues.issues)
        chosen = self.form.check(values, prefix=prefix, issues=issues)
        if len(issues.issues) == before:
            under = f"{prefix}." if prefix else ""
            for rule in self.broken_rules(chosen):
                rule_issue(rule, f"{under}{rule.field}", chosen, issues)
            for each, reason in self.misplaced(chosen):
                issues.add(f"{under}{each.name}", "value", reason)
        return None if len(issues.issues) > before else Spec(model=self.id, values=chosen)

    def misplaced(self, values: Mapping[str, Any]) -> Iterator[tuple[Field, str]]:
        """The fields that are not for what the others say, each with the rest of a sentence."""
        for each in self.fields:
            if each.name not in values or not each.only_with:
                continue
            other = each.excluded_by(
                {**self.fixed, **values}, by=[n for n in each.only_with if n not in self.fixed]
            )
            if other is not None:
                words = " or ".join(str(word) for word in each.only_with[other] if word is not None)
                yield each, f"is only made with the {other} {words}"

    @cached_property
    def rules(self) -> list[Rule]:
        """Those of the page that can be broken by what a request chooses."""
        return [
            rule for rule in self.page.rules
            if all(self.fixed[name] in wrong for name, wrong in rule.when.items()
                   if name in self.fixed)
        ]  # fmt: skip

    def broken_rules(self, values: Mapping[str, Any], *, flagged: bool = False) -> list[Rule]:
        """The rules that refuse these values; those that are flagged instead, if wanted."""
        if not self.rules:
            return []
        known = {**self.fixed, **values}
        return [
            rule for rule in self.rules
            if rule.flagged is flagged and rule.broken_by(known)
        ]  # fmt: skip

    def spec_of(
        self,
        facts: Facts,
        *,
        images: Mapping[str, Any] = NO_OPTIONS,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> Spec:
        """The Spec that asks for these facts, each of which is offered. It has the defaults for
        what facts cannot say, unless `options` do. `images` are the values of the fields that have
        some."""
        values = {**self.defaults, **options, **facts.words, **images}
        ordered = {each.name: values[each.name] for each in self.fields if each.name in values}
        return Spec(model=self.id, values=ordered)

    def prompt_object(self, spec: Spec, uploads: Mapping[str, str] = NO_UPLOADS) -> dict[str, Any]:
        """As the upstream takes it. What was omitted stays omitted. `uploads` maps the ids of
        inputs to the paths that the upstream gave them."""
        return self.page.prompt_object({**self.fixed, **spec.values}, uploads)


def rule_issue(rule: Rule, path: str, values: Mapping[str, Any], issues: Rejections) -> None:
    code = "value" if rule.field in values else "missing"
    issues.add(path, code, f"{rule.reason} ({rule.source})", value=values.get(rule.field))
