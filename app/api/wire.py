"""The own REST's way of asking for a video, and what it makes of it. Pure.

`{"feature": "TEXT_TO_VIDEO", "prompt": …, "model": …, "duration": …}`: the names of a Spec, and
`model` says which others there may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.catalog.models import Model
from app.domain.catalog.spec import Spec
from app.domain.metadata import check_metadata
from app.domain.nearest import NO_ALIASES, Aliases
from app.domain.text import MAX_END_USER_CHARS, check_text, shown
from app.errors import InvalidRequest, Rejections, summary


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """`callback_url` is as it came, None where there is none: whether it may be called depends on
    the settings."""

    spec: Spec
    callback_url: Any
    end_user: str | None
    metadata: Mapping[str, str]


def parse(body: Mapping[str, Any], aliases: Aliases = NO_ALIASES) -> GenerationRequest:
    """The request, or an `InvalidRequest` that names every field that is wrong."""
    issues = Rejections()
    model = _model(body, aliases, issues)
    allowed = ["feature", "model", *model.form.names, "callback_url", "user", "metadata"]
    for name in body:
        if issues.full:
            break
        if name not in allowed:
            issues.add(
                shown(name), "unknown", f"unknown field; allowed fields are {', '.join(allowed)}",
                value=shown(body[name]), allowed=allowed,
            )  # fmt: skip
    given = {name: body[name] for name in model.form.names if name in body}
    spec = model.check(given, prefix="", issues=issues)
    if "callback_url" in body and body["callback_url"] is None:
        issues.add("callback_url", "type", "must be a string with an https URL")
    end_user = None
    if "user" in body:
        end_user = check_text(body["user"], "user", issues, most=MAX_END_USER_CHARS)
    metadata = check_metadata(body.get("metadata", {}), "metadata", issues)
    if issues.issues or spec is None:
        raise InvalidRequest(summary(issues.issues), issues=issues.issues)
    return GenerationRequest(spec, body.get("callback_url"), end_user, metadata)


def _model(body: Mapping[str, Any], aliases: Aliases, issues: Rejections) -> Model:
    """The model of a request; where it is wrong, the first there is of the feature, so that the
    answer can still say what else is wrong."""
    features = list(dict.fromkeys(feature for feature, _ in aliases.catalog.pages))
    feature, name = body.get("feature"), body.get("model")
    if "feature" not in body:
        issues.add("feature", "missing", "this field is required", allowed=features)
    elif not isinstance(feature, str) or feature not in features:
        issues.add("feature", "value", f"must be one of {', '.join(features)}",
                   value=shown(feature), allowed=features)  # fmt: skip
        feature = None
    models = [
        each for each in aliases.catalog.enabled.values() if feature in (None, each.feature)
    ]  # fmt: skip
    found = aliases.find(name) if isinstance(name, str) else None
    if found in models:
        return found
    allowed = [each.id for each in models]
    if "model" not in body:
        issues.add("model", "missing", "this field is required", allowed=allowed)
    else:
        issues.add("model", "value", f"must be one of {', '.join(allowed)}", value=shown(name),
                   allowed=allowed)  # fmt: skip
    return models[0]
