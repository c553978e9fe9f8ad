"""The catalogue: all models, and how requests find theirs."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.domain.catalog import (
    hailuo,
    kling,
    luma,
    pika,
    qubico,
    replicate,
    retired,
    veo,
)
from app.domain.catalog.images import Images
from app.domain.catalog.models import Model, rule_issue
from app.domain.catalog.pages import Form, Page
from app.domain.catalog.rules import Flagged
from app.domain.catalog.spec import Spec
from app.domain.text import shown
from app.errors import InvalidRequest, Issue, NotOffered, Rejections

#: One file a family.
FAMILIES = (
    luma.MODELS, kling.MODELS, hailuo.MODELS, pika.MODELS, veo.MODELS, qubico.MODELS,
    replicate.MODELS, retired.MODELS,
)  # fmt: skip


class Catalog:
    """All models, in their order; requests may have those that are enabled. A disabled or a removed
    model may still have generations."""

    def __init__(self, models: Iterable[Model], *, flagged: Flagged = Flagged.WARN) -> None:
        """`flagged` says what becomes of requests that break a flagged rule."""
        models = list(models)
        ruled = {id(model.page): _ruled(model.page, flagged) for model in models}
        models = [replace(model, page=ruled[id(model.page)]) for model in models]
        self.models: Mapping[str, Model] = MappingProxyType({each.id: each for each in models})
        self.enabled: Mapping[str, Model] = MappingProxyType(
            {each.id: each for each in self.models.values() if each.enabled}
        )
        pages: dict[tuple[str, str], list[Model]] = {}
        for each in self.enabled.values():
            pages.setdefault((each.feature, each.provider), []).append(each)
        #: By feature and provider.
        self.pages: Mapping[tuple[str, str], EnabledPage] = MappingProxyType(
            {pair: EnabledPage.of(same) for pair, same in pages.items()}
        )

    def offered(self, name: str) -> list[str]:
        """The choices of a field in any enabled model."""
        return list(dict.fromkeys(
            word
            for model in self.enabled.values()
            for field in model.fields
            if field.name == name
            for word in field.choices
        ))  # fmt: skip

    def get(self, name: str) -> Model:
        """The enabled model of this name. Raises `NotOffered`."""
        model = self.enabled.get(name)
        if model is None:
            allowed = list(self.enabled)
            message = f"must be one of {', '.join(allowed)}"
            issue = Issue("model", "value", message, shown(name), allowed)
            raise NotOffered(f"The model {shown(name)} is not offered.", issues=[issue])
        return model

    def check_name(self, name: str, path: str) -> str:
        """The name of a model there is or was. Raises `InvalidRequest`."""
        if name not in self.models:
            allowed = list(self.models)
            message = f"must be one of {', '.join(allowed)}"
            raise InvalidRequest(
                f"{path} {message}.", issues=[Issue(path, "value", message, shown(name), allowed)]
            )
        return name

    def retirements(self) -> list[tuple[str, int]]:
        """The enabled models whose end is known, and its beginning of the day in Unix time."""
        return [
            (model.id, timegm(model.retires_on.timetuple()))
            for model in self.enabled.values()
            if model.retires_on is not None
        ]

    def warnings(self, spec: Spec) -> list[str]:
        """What is doubtful in a request, each as the rest of a sentence about a field."""
        rules = self.models[spec.model].broken_rules(spec.values, flagged=True)
        return [f"{rule.field}: {rule.reason}" for rule in rules]

    def with_images(self, model: Model, images: Images) -> Model | None:
        """The enabled model that takes these images and is otherwise this one; None if there is
        none."""
        same = (each for each in self.enabled.values() if each.text_model == model.id)
        return next((each for each in (model, *same) if each.places(images) is not None), None)

    def prompt_object(self, spec: Spec) -> dict[str, Any]:
        """As the upstream takes it; by our names if the model has been removed since."""
        model = self.models.get(spec.model)
        return spec.to_json() if model is None else model.prompt_object(spec)


def _ruled(page: Page, flagged: Flagged) -> Page:
    if flagged is Flagged.WARN or not page.rules:
        return page
    refused = flagged is Flagged.REFUSE
    rules = (replace(rule, flagged=False) for rule in page.rules if refused or not rule.flagged)
    return replace(page, rules=tuple(rules))


@dataclass(frozen=True, slots=True)
class EnabledPage:
    """A page with its enabled models. `chosen_by` are the fields that they fix, and a request
    chooses its model by: `models` has each under its values of these, None for one that is left
    open."""

    page: Page
    form: Form
    chosen_by: tuple[str, ...]
    models: Mapping[tuple[Any, ...], Model]

    @classmethod
    def of(cls, models: Iterable[Model]) -> EnabledPage:
        models = list(models)
        page = models[0].page
        fixed = {name for model in models for name in model.fixed}
        names = tuple(field.name for field in page.fields if field.name in fixed)
        fields = []
        taken = {field.name for model in models for field in model.fields}
        for field in page.fields:
            if field.name not in taken | fixed:
                continue
            if field.only_with and not all(field in model.fields for model in models):
                # Once the model is chosen, it is known whether it needs the field.
                field = replace(field, required=False)
            if field.name in fixed and field.choices:
                kept = [model.fixed.get(field.name) for model in models]
                both = zip(field.choices, field.sent or field.choices, strict=True)
                pairs = [pair for pair in both if pair[0] in kept]
                field = replace(
                    field,
                    required=field.required or None not in kept,
                    choices=tuple(word for word, _ in pairs),
                    sent=tuple(sent for _, sent in pairs) if field.sent else (),
                )
            fields.append(field)
        return cls(
            page=replace(page, fields=tuple(fields)),
            form=Form(fields, native=True),
            chosen_by=names,
            models={tuple(each.fixed.get(name) for name in names): each for each in models},
        )

    def check(self, values: Mapping[str, Any], *, prefix: str, issues: Rejections) -> Spec | None:
        """The Spec of a promptObject; None if there are issues, which are added."""
        before = len(issues.issues)
        chosen = self.form.check(values, prefix=prefix, issues=issues)
        if len(issues.issues) > before:
            return None
        given = dict(chosen)
        model = self.models.get(tuple(chosen.pop(name, None) for name in self.chosen_by))
        if model is None:
            wires = [self.page.by_name[name].wire for name in self.chosen_by]
            under = f"{prefix}." if prefix else ""
            issues.add(f"{under}{wires[0]}", "value",
                       f"no model is offered with this {' and '.join(wires)}")  # fmt: skip
            return None
        under = f"{prefix}." if prefix else ""
        for rule in model.broken_rules(chosen):
            rule_issue(rule, f"{under}{self.page.by_name[rule.field].wire}", given, issues)
        own = {field.name: field for field in model.fields}
        for name in chosen:
            if name not in own:
                issues.add(f"{under}{self.page.by_name[name].wire}", "value",
                           f"is not for {self._choice(model)}; leave it out")  # fmt: skip
        for field in model.fields:
            if field.required and field.name not in chosen:
                issues.add(f"{under}{field.wire}", "missing",
                           f"this field is required for {self._choice(model)}")  # fmt: skip
        for field, reason in model.misplaced(chosen):
            issues.add(f"{under}{field.wire}", "value", reason)
        return None if len(issues.issues) > before else Spec(model=model.id, values=chosen)

    def _choice(self, model: Model) -> str:
        """What a request chooses the model by."""
        return " and ".join(str(model.fixed.get(name)) for name in self.chosen_by)


BUILT_IN = Catalog(model for family in FAMILIES for model in family)
