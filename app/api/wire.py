"""The own REST's way of asking for a video, and what it makes of it. Pure.

`{"feature": "TEXT_TO_VIDEO", "prompt": …, "model": …, "duration": …}`: the names of a Spec, and
`feature` says which others there may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.domain.catalog import MAX_END_USER_CHARS, OFFERS, Offer, check_text, shown
from app.domain.generation import Spec
from app.domain.metadata import check_metadata
from app.domain.nearest import NO_ALIASES, Aliases
from app.errors import InvalidRequest, Rejections, summary

#: Feature → its offer, and the same one with the names of this wire.
FEATURES: Mapping[str, tuple[Offer, Offer]] = MappingProxyType(
    {
        offer.feature: (
            offer,
            replace(offer, options=tuple(replace(o, wire=o.name) for o in offer.options)),
        )
        for offer in OFFERS.values()
    }
)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """`callback_url` is as it came, None where there is none: whether it may be called depends on
    the settings."""

    offer: Offer
    spec: Spec
    callback_url: Any
    end_user: str | None
    metadata: Mapping[str, str]


def parse(body: Mapping[str, Any], aliases: Aliases = NO_ALIASES) -> GenerationRequest:
    """The request, or an `InvalidRequest` that names every field that is wrong."""
    issues = Rejections()
    offer, named = _offers(body, issues)
    options = [option.wire for option in named.options]
    allowed = ["feature", *options, "callback_url", "user", "metadata"]
    for name in body:
        if issues.full:
            break
        if name not in allowed:
            issues.add(
                shown(name), "unknown", f"unknown field; allowed fields are {', '.join(allowed)}",
                value=shown(body[name]), allowed=allowed,
            )  # fmt: skip
    given = {name: body[name] for name in options if name in body}
    if isinstance(given.get("model"), str):
        given["model"] = aliases.find(given["model"]) or given["model"]
    spec = named.check(given, prefix="", issues=issues)
    if "callback_url" in body and body["callback_url"] is None:
        issues.add("callback_url", "type", "must be a string with an https URL")
    end_user = None
    if "user" in body:
        end_user = check_text(body["user"], "user", issues, most=MAX_END_USER_CHARS)
    metadata = check_metadata(body.get("metadata", {}), "metadata", issues)
    if issues.issues or spec is None:
        raise InvalidRequest(summary(issues.issues), issues=issues.issues)
    return GenerationRequest(offer, spec, body.get("callback_url"), end_user, metadata)


def _offers(body: Mapping[str, Any], issues: Rejections) -> tuple[Offer, Offer]:
    """Those of the feature; where it is wrong, of the first there is, so that the answer can still
    say what else is wrong."""
    feature, allowed = body.get("feature"), list(FEATURES)
    if "feature" not in body:
        issues.add("feature", "missing", "this field is required", allowed=allowed)
    elif not isinstance(feature, str) or feature not in FEATURES:
        issues.add("feature", "value", f"must be one of {', '.join(allowed)}",
                   value=shown(feature), allowed=allowed)  # fmt: skip
    else:
        return FEATURES[feature]
    return FEATURES[allowed[0]]
