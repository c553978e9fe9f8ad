"""The files that say what can be made, and what it costs."""

from __future__ import annotations

import tomllib
from pathlib import Path

from app.domain.catalog.catalog import Catalog
from app.domain.catalog.prices import PriceTable
from app.errors import ConfigurationError
from app.settings import Settings

_SHIPPED_PRICES = Path(__file__).parents[1] / "prices.toml"


def load_prices(settings: Settings, catalog: Catalog) -> PriceTable:
    """Raises `ConfigurationError`."""
    path = settings.prices_file or _SHIPPED_PRICES
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"REELGATE_PRICES_FILE: {path} cannot be read as TOML: {error}."
        ) from None
    return PriceTable.parse(document, catalog, origin=str(path))
