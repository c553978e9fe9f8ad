"""The default prices, of the price file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.domain.catalog.catalog import Catalog
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Kind
from app.domain.catalog.spec import Spec
from app.domain.text import shown
from app.errors import ConfigurationError, PriceUnknown, Rejections

#: Beside these, a row has values that it matches.
_OF_A_ROW = ("feature", "provider", "credits", "per", "as_of", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultPrice:
    """A row of the price file: `match` has the values of a Spec that it is for. The first row that
    matches is the price. `per` is `generation`, or `second` of the longest video that the request
    may become."""

    feature: str
    provider: str
    credits: int
    as_of: date
    source: str
    per: str = "generation"
    match: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, model: Model, spec: Spec) -> bool:
        values = {**model.fixed, **spec.to_json()}
        return all(name in values and values[name] == wanted for name, wanted in self.match.items())

    def times(self, model: Model, spec: Spec) -> int | None:
        """How often the credits are due; None if that cannot be known."""
        if self.per == "generation":
            return 1
        return spec.facts.seconds or max(model.offered.seconds, default=None)


class PriceTable:
    """The rows, by the models that they are for."""

    def __init__(self, rows: Iterable[DefaultPrice], catalog: Catalog) -> None:
        self.rows = tuple(rows)
        self._models = catalog.models
        self._of_model = {
            model.id: [
                row for row in self.rows
                if (row.feature, row.provider) == (model.feature, model.provider)
                and row.match.get("model", model.id) == model.id
            ]
            for model in catalog.models.values()
        }  # fmt: skip

    @classmethod
    def parse(cls, document: Mapping[str, Any], catalog: Catalog, *, origin: str) -> PriceTable:
        """The rows of a TOML document with `[[price]]` tables. Raises `ConfigurationError`, which
        names the invalid row."""
        rows: list[DefaultPrice] = []
        entries: Iterable[Any] = document.get("price", ())
        for number, entry in enumerate(entries, start=1):
            match = {name: value for name, value in entry.items() if name not in _OF_A_ROW}
            named = {name: value for name, value in entry.items() if name in _OF_A_ROW}
            try:
                price = DefaultPrice(**named, match=match)
            except TypeError as error:
                raise ConfigurationError(f"{origin}: price {number}: {error}.") from None
            if (
                not isinstance(price.credits, int)
                or isinstance(price.credits, bool)
                or price.credits <= 0
            ):
                raise ConfigurationError(
                    f"{origin}: price {number}: credits must be a whole number above 0."
                )
            if price.per not in ("generation", "second"):
                raise ConfigurationError(
                    f"{origin}: price {number}: per must be generation or second."
                )
            _check_row(price, catalog, f"{origin}: price {number}")
            rows.append(price)
        if not rows:
            raise ConfigurationError(f"{origin}: it needs at least one [[price]] row.")
        return cls(rows, catalog)

    def quote(self, spec: Spec) -> int:
        """The credits that this Spec is expected to cost, never 0. Raises `PriceUnknown`."""
        model = self._models[spec.model]
        for price in self._of_model[model.id]:
            if price.covers(model, spec) and (times := price.times(model, spec)) is not None:
                return price.credits * times
        given = {name: value for name, value in spec.values.items() if name != "prompt"}
        said = ", ".join(f"{name} {value}" for name, value in given.items())
        raise PriceUnknown(
            f"No price is configured for {model.provider} {spec.model}"
            f"{f' with {said}' if said else ''}; an operator can add one to the price file."
        )


def _check_row(price: DefaultPrice, catalog: Catalog, origin: str) -> None:
    models = [
        model for model in catalog.models.values()
        if (model.feature, model.provider) == (price.feature, price.provider)
    ]  # fmt: skip
    if not models:
        return
    known = {"model": [model.id for model in models]} | {
        field.name: field.allowed
        for field in models[0].page.fields
        if field.kind in (Kind.CHOICE, Kind.FLAG, Kind.INTEGER, Kind.NUMBER)
    }
    for name, value in price.match.items():
        if name not in known:
            raise ConfigurationError(
                f"{origin}: {shown(name)} is not a field; allowed are {', '.join(known)}."
            )
        allowed = known[name]
        if allowed is not None and value not in allowed:
            raise ConfigurationError(
                f"{origin}: {name} must be one of {', '.join(map(str, allowed))}."
            )


def check_match(
    catalog: Catalog, values: Mapping[str, Any], prefix: str, issues: Rejections
) -> dict[str, Any]:
    """The values that a price matches: a model, and any of its fields that are not free text, by
    their names in a Spec. Adds what is wrong to `issues`, under `prefix`."""
    allowed = list(catalog.models)
    if "model" not in values:
        issues.add(f"{prefix}.model", "missing", "this field is required", allowed=allowed)
        return {}
    name = values["model"]
    model = catalog.models.get(name) if isinstance(name, str) else None
    if model is None:
        issues.add(f"{prefix}.model", "value", f"must be one of {', '.join(allowed)}",
                   value=shown(name), allowed=allowed)  # fmt: skip
        return {}
    known = {
        key: entry for key, entry in model.form.entries.items()
        if entry.field.kind in (Kind.CHOICE, Kind.FLAG, Kind.INTEGER, Kind.NUMBER)
    }  # fmt: skip
    for key, value in values.items():
        path = f"{prefix}.{shown(key)}"
        if key in known:
            known[key].check(value, path, issues)
        elif key != "model":
            names = ["model", *known]
            issues.add(path, "unknown", f"unknown field; allowed fields are {', '.join(names)}",
                       value=shown(value), allowed=names)  # fmt: skip
    return dict(values)
