"""The options of a model that OpenRouter's API has no field for, or for some models alone. Pure.

They are ours by name and by word, wherever the API has them: `provider.options` is what a model's
provider alone understands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Kind
from app.domain.options import OptionReader
from app.domain.text import shown

#: Options of some models that this API has under the same name.
OPTIONS = ("seed", "generate_audio")
#: What requests say in other fields than `provider.options`.
_SAID_ELSEWHERE = {"prompt", "duration", "resolution", "aspect_ratio", *OPTIONS}


def passed_on(model: Model) -> list[str]:
    """What `provider.options.<provider of the model>.parameters` may have: its options that this
    API has no field for."""
    return [
        field.name for field in model.fields
        if field.name not in _SAID_ELSEWHERE and field.kind not in (Kind.ASSET, Kind.ASSETS)
    ]  # fmt: skip


def named_options(body: Mapping[str, Any], read: OptionReader) -> dict[str, Any]:
    """Of the top level, where the model has them."""
    names = read.model_or_first.form.names
    given = {}
    for name in OPTIONS:
        value = body.get(name)
        if name in names:
            given[name] = value
        # Not by truth: 0 is a seed.
        elif value is not None and value is not False:
            read.not_offered(name, "this model has no such option; leave it out", value)
    return _checked(given, "", read)


def provider_options(provider: Any, read: OptionReader) -> dict[str, Any]:
    """Of `provider.options`, what is there for the model's own provider. Options of other providers
    are ignored, as this API documents: a request may have some for each provider that its model
    could be made by."""
    whole = object_in({"provider": provider}, "provider", "", read)
    options = object_in(whole, "options", "provider.", read)
    read.only(whole, ("options",), prefix="provider.")
    model = read.model_or_first
    name = model.provider
    place = f"provider.options.{name}."
    mine = object_in(options, name, "provider.options.", read)
    read.only(mine, ("parameters",), prefix=place)
    parameters = object_in(mine, "parameters", place, read)
    place, allowed = f"{place}parameters.", passed_on(model)
    if allowed:
        read.only(parameters, allowed, prefix=place)
    elif parameters:
        message = "this model has no such options; leave them out"
        read.not_offered(place.rstrip("."), message, parameters)
    return _checked({name: parameters.get(name) for name in allowed}, place, read)


def _checked(given: Mapping[str, Any], prefix: str, read: OptionReader) -> dict[str, Any]:
    """The values in our words, without what is omitted or wrong."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        read.paths[name] = f"{prefix}{name}"
        if value is not None:
            entry = read.model_or_first.form.entries[name]
            found[name] = entry.check(value, f"{prefix}{name}", read.issues)
    return found


def object_in(
    outer: Mapping[str, Any], name: str, prefix: str, read: OptionReader
) -> dict[str, Any]:
    """Empty if it is omitted or no object."""
    value = outer.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    read.issues.add(f"{prefix}{name}", "type", "must be an object", value=shown(value))
    return {}
