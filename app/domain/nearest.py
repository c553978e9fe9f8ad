"""Maps the model names, durations and resolutions of other APIs to the nearest of ours. Pure.

A video is never shorter than requested, nor smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.domain.catalog.models import Model
from app.domain.catalog.spec import lines_of
from app.errors import ConfigurationError

_SECONDS = re.compile(r"([0-9]{1,4})(?:\.0+)?s?")


@dataclass(frozen=True, slots=True)
class Aliases:
    """Aliases of the models. The enabled models' own names are always accepted."""

    table: Mapping[str, str]
    catalog: Catalog

    @classmethod
    def parse(cls, words: Iterable[str], catalog: Catalog) -> Aliases:
        """Parses `alias=model` pairs. Raises `ConfigurationError`."""
        table: dict[str, str] = {}
        own = catalog.enabled
        for word in words:
            alias, found, model = (part.strip() for part in word.partition("="))
            if not found or not alias or model not in own:
                raise ConfigurationError(
                    f"REELGATE_MODEL_ALIASES: `{word}` must be alias=model, with a model of "
                    f"{', '.join(own)}."
                )
            if alias in table or alias in own:
                raise ConfigurationError(
                    f"REELGATE_MODEL_ALIASES: `{alias}` is there twice, or is a model's own name."
                )
            table[alias] = model
        return cls(MappingProxyType(table), catalog)

    def find(self, name: str) -> Model | None:
        """With or without the provider before it, which routers such as LiteLLM write."""
        for known in (name, name.removeprefix("openai/").removeprefix("luma/")):
            model = self.catalog.enabled.get(self.table.get(known, known))
            if model is not None:
                return model
        provider, _, own = name.rpartition("/")
        model = self.catalog.enabled.get(own)
        return model if model is not None and model.provider == provider else None

    @property
    def names(self) -> list[str]:
        """Everything that is understood: our own names first."""
        return [*self.catalog.enabled, *self.table]


#: For what has no names of models.
NO_ALIASES = Aliases(MappingProxyType({}), BUILT_IN)


def accepted_seconds(made: Sequence[int], *, strict: bool) -> list[int]:
    """Every duration in seconds for which `find_seconds` finds one."""
    return list(made) if strict or not made else list(range(1, made[-1] + 1))


def find_seconds(value: str | int, made: Sequence[int], *, strict: bool) -> int | None:
    """The seconds for `5`, `"5"` or `"5s"`, of those that are made, which are in order: the next
    longer one if it is not among them. None if it is longer than any, strict and not made, or no
    duration at all."""
    found = _SECONDS.fullmatch(str(value))
    seconds = int(found[1]) if found and not isinstance(value, bool) else 0
    return _at_least(seconds, made, strict=strict)


def find_lines(value: str, made: Sequence[int], *, strict: bool) -> int | None:
    """The lines for `720p`: the next higher ones if they are not made. None if it is higher than
    any, strict and not made, or no resolution at all."""
    return _at_least(lines_of(value) or 0, made, strict=strict)


def _at_least(wanted: int, made: Sequence[int], *, strict: bool) -> int | None:
    if wanted <= 0:
        return None
    for each in made:
        if each == wanted or (each > wanted and not strict):
            return each
    return None
