"""`reelgate catalog check`: the catalogue beside what the upstream lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.catalog.comparison import Difference, compare, features, unknown_to_catalog
from app.runtime import upstream_client
from app.settings import Settings
from app.upstream.model_list import read_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`unread` entries of the lists are in no format that is known."""

    differences: Sequence[Difference]
    unread: int

    @property
    def same(self) -> bool:
        """Whether the catalogue says all that the lists say."""
        return not unknown_to_catalog(self.differences)


async def check(settings: Settings) -> Comparison:
    """Asks for the list of every feature of the catalogue, one after the other, and without a key.
    Raises `ListUnread` and `ConfigurationError`."""
    catalog, http = settings.catalog(), upstream_client(settings)
    lists, unread = {}, 0
    for feature in features(catalog):
        lists[feature], more = await read_list(http, settings.upstream_url, feature)
        unread += more
    return Comparison(differences=compare(catalog, lists), unread=unread)
