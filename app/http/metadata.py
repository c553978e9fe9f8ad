"""Tags outside of a body: in a header of any create, and in the query of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from app.domain.metadata import HEADER, MAX_TAGS, MAX_VALUE_CHARS, check_metadata
from app.domain.text import shown
from app.errors import InvalidRequest, Rejections, summary

_FIELD = "metadata"
_NAME = re.compile(rf"{_FIELD}\[(.+)\]", re.DOTALL)

#: The query parameter, as OpenAI's APIs and SDKs write it: `metadata[cost_centre]=4711`.
FILTER: dict[str, Any] = {
    "name": _FIELD,
    "in": "query",
    "required": False,
    "style": "deepObject",
    "explode": True,
    "description": "Only those with all of these tags, as in `metadata[cost_centre]=4711`.",
    "schema": {
        "type": "object",
        "maxProperties": MAX_TAGS,
        "additionalProperties": {"type": "string", "maxLength": MAX_VALUE_CHARS},
    },
}


def all_tags(
    request: Request, *, inherited: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The tags of a create: those its body gives, then those of its header, then those that it
    inherits from another generation. Raises `InvalidRequest`."""
    return _checked({**inherited, **_in_header(request), **given}, _FIELD)


def _in_header(request: Request) -> dict[str, str]:
    values = request.headers.getlist(HEADER)
    if not values:
        return {}
    # Several headers are one with commas (RFC 9110, 5.2), which is no JSON.
    text = ", ".join(values)
    try:
        found = json.loads(text.encode("latin-1").decode("utf-8"))
    except (ValueError, RecursionError):
        found = text
    return _checked(found, HEADER)


def _in_query(request: Request) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name.partition("[")[0] != _FIELD:
            continue
        key = _NAME.fullmatch(name)
        if key is None or key[1] in found:
            issues = Rejections()
            issues.add(
                str(shown(name)), "value",
                "must be metadata[KEY]=VALUE, with the key of a tag, and each key once",
                value=shown(value),
            )  # fmt: skip
            raise InvalidRequest(summary(issues.issues), issues=issues.issues)
        found[key[1]] = value
    return _checked(found, _FIELD)


def _checked(tags: Any, path: str) -> dict[str, str]:
    issues = Rejections()
    found = check_metadata(tags, path, issues)
    if issues.issues:
        raise InvalidRequest(summary(issues.issues), issues=issues.issues)
    return found


#: The tags that a list is filtered by. A route with it has `FILTER` in its document.
TagFilter = Annotated[Mapping[str, str], Depends(_in_query)]
