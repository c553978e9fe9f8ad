"""What the simulated upstream makes, and its public list of that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.domain.catalog.models import Model

#: When the fixed parts of the list say that they were made.
_LONG_AGO = "2025-01-01T00:00:00.000Z"


@cache
def everything(catalog: Catalog) -> Catalog:
    """The upstream makes whatever it documents, whatever the gateway offers of that."""
    return Catalog(replace(model, enabled=True) for model in catalog.models.values())


ALL_BUILT_IN = everything(BUILT_IN)


def listed(
    catalog: Catalog, feature: str | None, changes: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The answer of `GET /models`: an entry for each provider of the feature; none without one.

    Each of `changes` has a `modelId` and what is different about it: `gone`, `renamed` (its new
    id), or any members of an entry. An id that is not there is added, to every feature that the
    change names.
    """
    entries = {
        page.page.provider: _entry(list(page.models.values()))
        for (named, _), page in catalog.pages.items()
        if named == feature
    }
    for change in changes:
        changed = dict(change)
        name = changed.pop("modelId")
        if changed.pop("gone", False):
            entries.pop(name, None)
        elif name in entries:
            renamed = changed.pop("renamed", name)
            entries[name] |= {**changed, "modelId": renamed}
        elif feature in changed.get("features", ()):
            entries[name] = {"modelId": name, **changed}
    return {"models": list(entries.values()), "total": len(entries)}


def checked(changes: Any) -> list[Mapping[str, Any]]:
    """Raises ValueError."""
    if not isinstance(changes, list) or not all(
        isinstance(change, dict) and isinstance(change.get("modelId"), str) for change in changes
    ):
        raise ValueError("give a list of objects that each have a modelId")
    return changes


def _entry(models: Sequence[Model]) -> dict[str, Any]:
    """Of all models of a page: it ends with the last of them."""
    page = models[0].page
    ends = [model.retires_on for model in models if model.retires_on is not None]
    return {
        "uuid": str(uuid5(NAMESPACE_URL, page.provider)),
        "modelId": page.provider,
        "name": page.title.partition(",")[0],
        "group": page.provider.partition("/")[0],
        "provider": "simulated-provider",
        "status": "ACTIVE",
        "cutoffDate": f"{max(ends)}T00:00:00.000Z" if len(ends) == len(models) else None,
        "logoUrl": None,
        "features": [page.feature],
        "creditMetadata": {"ALL": 150_000},
        "modality": {"INPUT": ["text"], "OUTPUT": ["video"]},
        "information": None,
        "createdAt": _LONG_AGO,
        "createdBy": "SYSTEM",
        "updatedAt": _LONG_AGO,
        "updatedBy": "SYSTEM",
        "numberOfStars": 0,
        "creditEstimation": None,
    }
