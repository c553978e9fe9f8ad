"""The settings of what can be made, and what it costs: two TOML files."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.domain.catalog.documents import read_models
from app.domain.catalog.prices import PriceTable
from app.domain.catalog.rules import Flagged
from app.errors import ConfigurationError

_SHIPPED_PRICES = Path(__file__).parents[1] / "prices.toml"


class Models(BaseModel):
    """Models and prices"""

    catalog_file: Path | None = Field(
        None,
        description="Models that are added or changed: TOML, as `docs/operations.md` shows.",
    )
    flagged_rules: Flagged = Field(
        Flagged.WARN,
        description="What becomes of a request that breaks a rule that is not certain, because it "
        "is of the provider behind the upstream: `refuse` it before it costs anything, `warn` in "
        "the header `Reelgate-Warning`, or `pass` it on in silence.",
    )
    prices_file: Path | None = Field(
        None, description="Credit prices of features, in the format of `app/prices.toml`."
    )

    def catalog(self) -> Catalog:
        """Raises `ConfigurationError`."""
        if self.catalog_file is None:
            if self.flagged_rules is Flagged.WARN:
                return BUILT_IN
            return Catalog(BUILT_IN.models.values(), flagged=self.flagged_rules)
        document = _read("REELGATE_CATALOG_FILE", self.catalog_file)
        models = read_models(document, BUILT_IN.models, origin=str(self.catalog_file))
        return Catalog(models.values(), flagged=self.flagged_rules)

    def prices(self, catalog: Catalog) -> PriceTable:
        """Raises `ConfigurationError`."""
        if self.prices_file is None:
            return _shipped_prices(catalog)
        return _price_table(self.prices_file, catalog)


@lru_cache(maxsize=1)
def _shipped_prices(catalog: Catalog) -> PriceTable:
    """Read once: tests open hundreds of gateways, and a catalog never changes."""
    return _price_table(_SHIPPED_PRICES, catalog)


def _price_table(path: Path, catalog: Catalog) -> PriceTable:
    return PriceTable.parse(_read("REELGATE_PRICES_FILE", path), catalog, origin=str(path))


def _read(name: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{name}: {path} cannot be read as TOML: {error}.") from None
