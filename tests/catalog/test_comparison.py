"""What differs between the catalogue and a list, without the network."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.domain.catalog.comparison import (
    Change,
    Difference,
    Listed,
    compare,
    features,
    unknown_to_catalog,
)

TEXT, IMAGE = "TEXT_TO_VIDEO", "IMAGE_TO_VIDEO"


def lists(catalog: Catalog = BUILT_IN) -> dict[str, dict[str, Listed]]:
    """As the catalogue has it."""
    found: dict[str, dict[str, Listed]] = {}
    for model in catalog.models.values():
        found.setdefault(model.feature, {})[model.provider] = Listed(id=model.provider)
    return found


def compared(given: dict[str, dict[str, Listed]], catalog: Catalog = BUILT_IN) -> list[Difference]:
    return compare(catalog, {name: list(each.values()) for name, each in given.items()})


def test_the_same_is_no_difference() -> None:
    assert features(BUILT_IN) == [TEXT, IMAGE]
    assert compared(lists()) == []


def test_what_is_off_may_be_missing() -> None:
    given = lists()
    for provider in ("veo3-video", "sora-2", "Qubico/wanx"):
        del given[TEXT][provider]
    assert compared(given) == []


def test_new_and_gone_and_not_active() -> None:
    given = lists()
    del given[IMAGE]["luma"]
    given[TEXT]["kling"] = Listed(id="kling", active=False)
    given[TEXT]["zzz/9"] = Listed(id="zzz/9", name="Nine")
    given[TEXT]["old"] = Listed(id="old", active=False)
    found = compared(given)
    assert [(each.change, each.feature, each.provider) for each in found] == [
        (Change.GONE, TEXT, "kling"), (Change.NEW, TEXT, "zzz/9"), (Change.GONE, IMAGE, "luma"),
    ]  # fmt: skip
    kling = [name for name in BUILT_IN.enabled if BUILT_IN.models[name].provider == "kling"]
    assert found[0].models == tuple(name for name in kling if "image" not in name)
    assert unknown_to_catalog(found)


@pytest.mark.parametrize(
    ("provider", "renamed"),
    [
        ("hailuo", "minimax/hailuo"), ("hailuo", "hailuo-video"), ("pika", "pika-ai"),
        ("kling", "us.kuaishou/kling:3f1c9f"), ("luma", "luma-ai"),
    ],
)  # fmt: skip
def test_a_similar_new_id_is_the_new_name(provider: str, renamed: str) -> None:
    given = lists()
    del given[TEXT][provider]
    given[TEXT][renamed] = Listed(id=renamed)
    given[TEXT]["zzz"] = Listed(id="zzz")
    found = compared(given)
    assert [(each.change, each.provider) for each in found] == [
        (Change.RENAMED, provider), (Change.NEW, "zzz"),
    ]  # fmt: skip
    assert found[0].listed == Listed(id=renamed)


def test_an_end_is_shown_and_known_once_the_catalogue_has_it() -> None:
    end = date(2026, 12, 9)
    given = lists()
    given[TEXT]["pika"] = Listed(id="pika", retires_on=end)
    given[TEXT]["sora-2"] = Listed(id="sora-2", retires_on=end)
    (found,) = compared(given)
    assert (found.change, found.provider, found.known) == (Change.RETIRING, "pika", False)
    told = Catalog(
        replace(model, retires_on=end if model.provider == "pika" else model.retires_on)
        for model in BUILT_IN.models.values()
    )
    (found,) = compared(given, told)
    assert found.known
    assert not unknown_to_catalog([found])
