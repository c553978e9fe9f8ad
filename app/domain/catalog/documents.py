"""An operator's own models, as a document: `[[page]]` with `[[page.field]]` and `[[page.rule]]`,
and `[[model]]`, which adds a model or changes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page
from app.domain.catalog.rules import Rule, Source
from app.errors import ConfigurationError

#: What an entry of a model may change.
_CHANGES = ("enabled", "reason", "retires_on", "defaults", "source", "as_of")
_OF_A_MODEL = ("id", "feature", "provider", "fixed", "text_model", *_CHANGES)
_OF_A_PAGE = ("feature", "provider", "title", "conversation", "doubt", "field", "rule")
_OF_A_RULE = ("when", "field", "reason", "source", "flagged")
_OF_A_FIELD = tuple(each.name for each in fields(Field) if each.name != "image")
_NEEDED = {
    "page": ("feature", "provider", "field"),
    "field": ("name", "wire", "kind"),
    "rule": ("when", "field", "reason"),
    "model": ("id",),
}
_TYPES: Mapping[str, tuple[type, str]] = {
    "enabled": (bool, "true or false"),
    "required": (bool, "true or false"),
    "conversation": (bool, "true or false"),
    "flagged": (bool, "true or false"),
    "retires_on": (date, "a date"),
    "as_of": (date, "a date"),
    "fixed": (dict, "a table"),
    "defaults": (dict, "a table"),
    "when": (dict, "a table"),
    "choices": (list, "a list"),
    "sent": (list, "a list"),
    "only_with": (dict, "a table"),
}


def read_models(
    document: Mapping[str, Any], known: Mapping[str, Model], *, origin: str
) -> dict[str, Model]:
    """The models that are known, with those of the document. Raises `ConfigurationError`, which
    names the entry."""
    _only(document, ("page", "model"), origin)
    pages = {(model.feature, model.provider): model.page for model in known.values()}
    for number, entry in enumerate(document.get("page", ()), start=1):
        page = _page(entry, f"{origin}: page {number}")
        pages[page.feature, page.provider] = page
    models = {
        name: replace(model, page=pages[model.feature, model.provider])
        for name, model in known.items()
    }
    for number, entry in enumerate(document.get("model", ()), start=1):
        place = f"{origin}: model {number}"
        _only(entry, _OF_A_MODEL, place, needed=_NEEDED["model"])
        models[entry["id"]] = _model(entry, models.get(entry["id"]), pages, place)
    return models


def _model(
    entry: Mapping[str, Any], known: Model | None, pages: Mapping[tuple[str, str], Page], place: str
) -> Model:
    changes = {name: entry[name] for name in _CHANGES if name in entry}
    if known is not None:
        if unchangeable := entry.keys() - {"id", *_CHANGES}:
            raise ConfigurationError(
                f"{place}: {known.id} is there, and {min(unchangeable)} of it cannot be changed."
            )
        changed = replace(known, **changes)
        return replace(changed, reason=None) if changed.enabled else changed
    pair = entry.get("feature"), entry.get("provider")
    page = pages.get(pair)  # type: ignore[arg-type]  # of any type, and then not found
    if page is None:
        raise ConfigurationError(f"{place}: there is no page of feature {pair[0]} by {pair[1]}.")
    for name in ("fixed", "defaults"):
        for field, value in entry.get(name, {}).items():
            described = page.by_name.get(field)
            if described is None or (described.choices and value not in described.choices):
                raise ConfigurationError(f"{place}: {name}.{field} is no field or choice of it.")
    return Model(
        **{
            "source": place,
            "as_of": date.min,
            **changes,
            "id": entry["id"],
            "page": page,
            "fixed": entry.get("fixed", {}),
            "text_model": entry.get("text_model"),
        }
    )


def _page(entry: Mapping[str, Any], place: str) -> Page:
    _only(entry, _OF_A_PAGE, place, needed=_NEEDED["page"])
    described = []
    for number, each in enumerate(entry["field"], start=1):
        at = f"{place}, field {number}"
        _only(each, _OF_A_FIELD, at, needed=_NEEDED["field"])
        kind = _word(Kind, each["kind"], f"{at}: kind")
        choices, sent = tuple(each.get("choices", ())), tuple(each.get("sent", ()))
        if (kind is Kind.CHOICE) is not bool(choices) or (sent and len(sent) != len(choices)):
            raise ConfigurationError(
                f"{at}: a choice needs choices, and as many of sent if there are any."
            )
        given = {"help": "", **each, "kind": kind, "choices": choices, "sent": sent}
        described.append(Field(**given))
    names = {field.name for field in described}
    rules = []
    for number, each in enumerate(entry.get("rule", ()), start=1):
        at = f"{place}, rule {number}"
        _only(each, _OF_A_RULE, at, needed=_NEEDED["rule"])
        if unknown := {*each["when"], each["field"]} - names:
            raise ConfigurationError(f"{at}: {min(unknown)} is no field of the page.")
        when = {name: tuple(wrong) for name, wrong in each["when"].items()}
        source = _word(Source, each.get("source", Source.LEARNED), f"{at}: source")
        rules.append(Rule(**{**each, "when": when, "source": source}))
    named = {name: entry[name] for name in ("conversation", "doubt") if name in entry}
    return Page(
        feature=entry["feature"], provider=entry["provider"],
        title=entry.get("title", entry["provider"]), fields=tuple(described), rules=tuple(rules),
        **named,
    )  # fmt: skip


def _word(kind: Any, value: Any, place: str) -> Any:
    if value not in list(kind):
        raise ConfigurationError(f"{place} must be one of {', '.join(kind)}.")
    return kind(value)


def _only(
    entry: Any, allowed: tuple[str, ...], place: str, *, needed: tuple[str, ...] = ()
) -> None:
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{place}: it must be a table.")
    for name in needed:
        if name not in entry:
            raise ConfigurationError(f"{place}: {name} is missing.")
    for name, value in entry.items():
        if name not in allowed:
            raise ConfigurationError(
                f"{place}: {name} is not known; allowed are {', '.join(allowed)}."
            )
        kind, said = _TYPES.get(name, (object, ""))
        if not isinstance(value, kind):
            raise ConfigurationError(f"{place}: {name} must be {said}.")
