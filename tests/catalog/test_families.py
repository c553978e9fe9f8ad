"""Every page takes what it documents, and nothing beside it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog.catalog import BUILT_IN, Catalog, EnabledPage
from app.domain.catalog.documents import read_models
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind
from app.domain.catalog.prices import PriceTable
from app.domain.catalog.rules import Flagged
from app.domain.catalog.spec import Facts, Spec
from app.errors import ConfigurationError, PriceUnknown, Rejections
from tests.harness.specs import luma

EVERY = Catalog(replace(model, enabled=True) for model in BUILT_IN.models.values())
PAGES = list(EVERY.pages.values())
PRICES = PriceTable.parse(
    tomllib.loads(Path("app/prices.toml").read_text()), BUILT_IN, origin="prices.toml"
)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    if field.kind is Kind.CHOICE:
        return st.sampled_from(field.allowed_on_wire or [])
    if field.kind is Kind.FLAG:
        return st.booleans()
    if field.kind is Kind.INTEGER:
        return st.integers(int(field.least or 0), int(field.most or 9))
    if field.kind is Kind.NUMBER:
        return st.floats(field.least, field.most, allow_nan=False, allow_infinity=False)
    if field.kind is Kind.ASSET:
        return st.uuids().map(str)
    if field.kind is Kind.ASSETS:
        most = int(field.most or 9)
        return st.lists(st.uuids().map(str), min_size=int(field.least or 0), max_size=most)
    return st.just("a wave")


@st.composite
def requests(draw: st.DrawFn) -> tuple[EnabledPage, dict[str, Any]]:
    page = draw(st.sampled_from(PAGES))
    chosen = {
        field.wire: draw(values_of(field))
        for field in page.page.fields
        if field.required or draw(st.booleans())
    }
    return page, chosen


def checked(page: EnabledPage, values: dict[str, Any]) -> tuple[Spec | None, Rejections]:
    issues = Rejections()
    return page.check(values, prefix="p", issues=issues), issues


@given(requests())
def test_what_is_documented_is_taken_and_reaches_the_upstream(
    request_: tuple[EnabledPage, dict[str, Any]],
) -> None:
    """Or a rule of the page refuses it, or it has what only some of its models take; and it is
    said which field."""
    page, values = request_
    spec, issues = checked(page, values)
    if spec is None:
        reasons = {rule.reason for rule in page.page.rules if not rule.flagged}
        conditional = {f"p.{field.wire}" for field in page.page.fields if field.only_with}
        assert issues.issues
        for issue in issues.issues:
            assert issue.message.rpartition(" (")[0] in reasons or issue.field in conditional, issue
        return
    assert EVERY.prompt_object(spec) == values
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    own = Rejections()
    assert EVERY.models[spec.model].check(spec.values, prefix="", issues=own) == spec


@given(requests(), st.data())
def test_every_neighbour_is_refused(
    request_: tuple[EnabledPage, dict[str, Any]], data: st.DataObject
) -> None:
    page, values = request_
    field = data.draw(st.sampled_from([f for f in page.page.fields if f.kind is not Kind.TEXT]))
    neighbours: list[Any] = [None, [], {}, ""]
    # What names no input, admission refuses: it looks them up.
    neighbours += [] if field.kind is Kind.ASSET else ["x"]
    for each in field.allowed_on_wire or ():
        neighbours += [str(each) + "0", f" {each}"]
        neighbours += (
            [each + 1, -each, str(each)] if isinstance(each, int) else [each.upper() + "x"]
        )
    neighbours += [field.least - 1] if field.least is not None else []
    neighbours += [field.most + 1] if field.most is not None else []
    wrong = [each for each in neighbours if each not in (field.allowed_on_wire or ())]
    values[field.wire] = data.draw(st.sampled_from(wrong))
    spec, issues = checked(page, values)
    assert spec is None
    assert f"p.{field.wire}" in {issue.field for issue in issues.issues}


@pytest.mark.parametrize("model", BUILT_IN.models.values(), ids=lambda model: model.id)
def test_an_entry_is_whole(model: Model) -> None:
    """It says where it is from, or why it is off; SDKs can ask for it; it has a price."""
    assert model.source
    assert model.as_of <= date(2026, 11, 30)
    assert model.enabled or model.reason
    names = set(model.page.by_name)
    assert {*model.fixed, *model.defaults} <= names
    assert model.text_model is None or model.text_model in BUILT_IN.models
    one = str(UUID(int=1))
    inputs = {
        field.name: one if field.kind is Kind.ASSET else [one] * int(field.least or 1)
        for field in model.image_fields if field.required
    }  # fmt: skip
    seconds = min(model.offered.seconds, default=None)
    spec = model.spec_of(Facts(prompt="a wave", seconds=seconds))
    issues = Rejections()
    assert model.check({**spec.values, **inputs}, prefix="", issues=issues), issues.issues
    # Where the reason is another, an operator who turns it on needs no price of their own.
    if "what they cost" not in (model.reason or ""):
        assert PRICES.quote(spec) > 0


@pytest.mark.parametrize(
    ("model", "values", "credits_"),
    [
        ("ray-v3", {"duration": "10s", "resolution": "1080p"}, 150_000),
        ("kling-1.6", {"duration": "10s", "mode": "std"}, 520_000),
        ("kling-2.5", {"duration": "5s", "mode": "pro"}, 330_000),
        ("hailuo-02", {"duration": "6s", "resolution": "1080p"}, 800_000),
        ("pika-2.2", {"duration": "5s", "resolution": "720p"}, 200_000),
        # What is left open may become the dearest.
        ("pika-2.2", {"duration": "5s"}, 900_000),
        # For a second.
        ("veo-3-fast", {"duration": "8s", "generate_audio": False}, 480_000),
        ("veo-3", {}, 8 * 240_000),
        ("sora-2", {"duration": "12s", "size": "720x1280"}, 1_200_000),
    ],
)
def test_prices_match_any_field(model: str, values: dict[str, Any], credits_: int) -> None:
    assert PRICES.quote(Spec(model=model, values=values)) == credits_


def test_what_is_made_at_no_price_is_refused() -> None:
    with pytest.raises(PriceUnknown):
        PRICES.quote(Spec(model="kling-1.6", values={"duration": "5s"}))


def test_a_flagged_rule_is_warned_of_refused_or_passed() -> None:
    doubtful = luma(duration="10s", resolution="1080p", aspect_ratio="16:9")
    assert BUILT_IN.warnings(doubtful) == ["resolution: the provider makes 10s only at 720p"]
    assert BUILT_IN.warnings(luma(aspect_ratio="16:9")) == []
    models = BUILT_IN.models.values()
    assert Catalog(models, flagged=Flagged.PASS).warnings(doubtful) == []
    strict = Catalog(models, flagged=Flagged.REFUSE)
    issues = Rejections()
    assert strict.models["ray-v3"].check(doubtful.values, prefix="", issues=issues) is None
    assert [issue.field for issue in issues.issues] == ["resolution"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"models": []}, "models is not known"),
        ({"model": [{"enabled": True}]}, "model 1: id is missing"),
        ({"model": [{"id": "kling", "enabled": "yes"}]}, "enabled must be true or false"),
        ({"model": [{"id": "kling", "fixed": {}}]}, "fixed of it cannot be changed"),
        ({"model": [{"id": "x", "feature": "F", "provider": "p"}]}, "no page of feature F by p"),
        ({"page": [{"feature": "F", "provider": "p", "field": [{"name": "n"}]}]},
         "wire is missing"),
        ({"page": [{"feature": "F", "provider": "p",
                    "field": [{"name": "n", "wire": "w", "kind": "colour"}]}]}, "kind must be one"),
        ({"page": [{"feature": "F", "provider": "p",
                    "field": [{"name": "n", "wire": "w", "kind": "choice"}]}]}, "needs choices"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_named(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_models(document, BUILT_IN.models, origin="models.toml")


def test_an_operator_switches_a_model_on() -> None:
    document = {"model": [{"id": "veo-3", "enabled": True, "retires_on": date(2027, 1, 1)}]}
    models = read_models(document, BUILT_IN.models, origin="models.toml")
    assert models["veo-3"].enabled
    assert models["veo-3"].reason is None
    assert ("TEXT_TO_VIDEO", "veo3-video") in Catalog(models.values()).pages
