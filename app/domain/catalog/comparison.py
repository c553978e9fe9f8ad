"""What differs between the catalogue and the upstream's own list of models. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum

from app.domain.catalog.catalog import Catalog
from app.domain.catalog.models import Model

#: Ids that are this much alike may be names of one model: `veo3` and `veo3-video`.
_ALIKE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry of the upstream's list: what requests of a feature name as `model`."""

    id: str
    name: str = ""
    active: bool = True
    retires_on: date | None = None


class Change(StrEnum):
    """How the list differs from the catalogue."""

    #: The catalogue has no page of it.
    NEW = "new"
    #: Enabled models are of a page that the list lacks, or has as not active.
    GONE = "gone"
    #: Gone, while something new has a similar id.
    RENAMED = "renamed"
    #: It has an end, which the catalogue may know.
    RETIRING = "retiring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`provider` is the id that requests send; `models` are the enabled ones of ours that send it;
    `listed` is what the list has instead or has new. `known`: the catalogue says so already."""

    change: Change
    feature: str
    provider: str
    models: tuple[str, ...] = ()
    listed: Listed | None = None
    known: bool = False


def features(catalog: Catalog) -> list[str]:
    """Those that any model is of, enabled or not."""
    return list(dict.fromkeys(model.feature for model in catalog.models.values()))


def compare(catalog: Catalog, lists: Mapping[str, Sequence[Listed]]) -> list[Difference]:
    """The differences, by features in the order of the lists."""
    return [
        difference
        for feature, listed in lists.items()
        for difference in _of_feature(catalog, feature, listed)
    ]


def _of_feature(catalog: Catalog, feature: str, listed: Sequence[Listed]) -> list[Difference]:
    providers: dict[str, list[Model]] = {}
    for model in catalog.models.values():
        if model.feature == feature:
            providers.setdefault(model.provider, []).append(model)
    active = {each.id: each for each in listed if each.active}
    new = {name: each for name, each in active.items() if name not in providers}
    found = []
    for provider, models in providers.items():
        enabled = [model for model in models if model.enabled]
        names = tuple(model.id for model in enabled)
        entry = active.get(provider)
        if entry is None and enabled:
            other = _alike(provider, new)
            if other is not None:
                new.pop(other.id)
            change = Change.GONE if other is None else Change.RENAMED
            found.append(Difference(change=change, feature=feature, provider=provider,
                                    models=names, listed=other))  # fmt: skip
        elif entry is not None and entry.retires_on is not None and enabled:
            known = all(model.retires_on == entry.retires_on for model in enabled)
            found.append(Difference(change=Change.RETIRING, feature=feature, provider=provider,
                                    models=names, listed=entry, known=known))  # fmt: skip
    found += [
        Difference(change=Change.NEW, feature=feature, provider=each.id, listed=each)
        for each in new.values()
    ]
    return found


def _alike(provider: str, new: Mapping[str, Listed]) -> Listed | None:
    """The new entry whose id is the most like it, if any is."""
    likeness = {name: _likeness(provider, name) for name in new}
    best = max(likeness, key=lambda name: likeness[name], default=None)
    return new[best] if best is not None and likeness[best] >= _ALIKE else None


def _likeness(one: str, other: str) -> float:
    first, second = _bare(one), _bare(other)
    if first == second:
        return 1.0
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _bare(name: str) -> str:
    """Without who hosts it and which revision: `damo`, of `cjwbw/damo:1e205e`."""
    return name.rpartition("/")[2].partition(":")[0].lower()[:100]


def unknown_to_catalog(found: Iterable[Difference]) -> bool:
    """Whether any of these is not said by the catalogue."""
    return any(not difference.known for difference in found)
