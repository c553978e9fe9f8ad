"""The OpenAPI 3.1 document: the framework's description of the routes, repaired for client
generators, with every error, examples, and links between operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import __version__
from app.api.documents import Problem
from app.api.routes import PREFIX as REST
from app.api.routes import describe_api
from app.dialects.onemin.documents import NativeError
from app.dialects.onemin.routes import PREFIX as ONEMIN
from app.dialects.onemin.routes import describe_dialect
from app.domain.catalog.catalog import BUILT_IN, Catalog
from app.errors import GatewayError
from app.http.schemas import CONTACT, LICENSE
from app.openapi import repairs, requests, samples
from app.openapi.repairs import Json
from app.openapi.titles import TITLES

_ABOUT = """\
Reelgate makes videos for your team with 1min.ai, pays for each of them once, and keeps it.

Create a video with `create_generation`, follow its `state` with `get_generation` or the events
until it is `succeeded`, and play `video.url`. New clients should use the REST API under `/api/v1`.
The operations under `/api` have the requests and responses of 1min.ai, for programs written for it.
Programs with [OpenAI's SDK](guides/clients/openai.md), [Luma's Dream Machine
SDK](guides/clients/luma.md), [Luma's Agents SDK](guides/clients/luma-agents.md) or [OpenRouter's
SDKs](guides/clients/openrouter.md) need only another address and key.

- **Keys**: send `API-KEY: <key>` or `Authorization: Bearer <key>` with every request.
- **Errors**: `application/problem+json` with `code` for programs, `detail` for people, and
  `retry_safe`: whether sending the same request again cannot pay for a second video.
- **Paying once**: send an `Idempotency-Key` with every request that creates a video.
"""
_TAGS = {
    "generations": "Create videos, follow them and download them.",
    "inputs": "Upload the images that videos are made of.",
    "events": "Live events, as server-sent events.",
    "webhooks": "Events sent to your own server.",
    "account": "Your limits, models, prices and usage.",
    "admin": "For operators, who are the administrators of the operators' team. Administrators of "
    "another team manage that team.",
    "onemin": "The API of 1min.ai, for programs written for it.",
}
_MEANINGS = {
    200: "Success.",
    201: "Created.",
    202: "Accepted; it will be done soon.",
    204: "Done. No body.",
    400: "The request is malformed.",
    401: "The API key is missing or invalid.",
    402: "Your credits, or your team's, do not cover this request. Nothing was charged.",
    403: "This key is not allowed to do that, or its member is suspended.",
    404: "Not found, or not yours.",
    408: "The request body took too long to arrive.",
    409: "Not possible in its current state.",
    410: "It has been deleted.",
    412: "`If-Match` does not match the file.",
    413: "The request body is too large.",
    415: "This media type is not supported.",
    416: "`Range` starts after the end of the file.",
    422: "The request is invalid; the body names each wrong field and what is allowed.",
    429: "A limit is reached; `Retry-After` says when to try again.",
    500: "Internal error. Check whether the request was carried out before you repeat it.",
    503: "Temporarily unavailable. If `retry_safe` is true, try again after `Retry-After`.",
}
#: Where a reader begins.
_FIRST = f"{REST}/generations"
#: Any operation can answer these, because every request is authenticated first.
_ALWAYS = (401, 403, 500, 503)
_PROBLEM = "application/problem+json"


@cache
def combined(catalog: Catalog = BUILT_IN) -> Json:
    """The own REST and the 1min.ai dialect in one document. Callers must not modify it."""
    own = _part(describe_api(), REST, samples.problems(), Problem.__name__, _PROBLEM)
    native = _part(describe_dialect(), ONEMIN, samples.native_errors(), NativeError.__name__,
                   "application/json")  # fmt: skip
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Reelgate",
            "version": __version__,
            "description": _ABOUT,
            "contact": CONTACT,
            "license": LICENSE,
        },
        "servers": [{"url": "/", "description": "The gateway that serves this document."}],
        "paths": {_FIRST: own["paths"][_FIRST]} | own["paths"] | native["paths"],
        "components": {
            "schemas": own["components"]["schemas"]
            | native["components"]["schemas"]
            | requests.schemas(catalog)
            | {kind.__name__: _own_schema(kind) for kind in (Problem, NativeError)},
            "securitySchemes": own["components"]["securitySchemes"],
            "examples": _examples(),
        },
    }
    _repair(document)
    document = repairs.without_aliases(repairs.rename(document, "Document"))
    _explain(document)
    repairs.without_unused_examples(document)
    used = {tag for _, _, operation in repairs.operations(document) for tag in operation["tags"]}
    document["tags"] = [
        {"name": name, "description": said} for name, said in _TAGS.items() if name in used
    ]
    return document


def written(catalog: Catalog = BUILT_IN) -> str:
    """As it is kept in `docs/openapi.json`."""
    return json.dumps(combined(catalog), indent=2, ensure_ascii=False) + "\n"


def _own_schema(kind: Any) -> Json:
    """The schema of a model that no route returns by itself, with its nested schemas."""
    schema: Json = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema


def _part(
    app: FastAPI, prefix: str, errors: Mapping[int, Json], error_name: str, media_type: str
) -> Json:
    part: Json = get_openapi(
        title=app.title, version=app.version, routes=app.routes, separate_input_output_schemas=False
    )
    part["paths"] = {f"{prefix}{path}": item for path, item in part["paths"].items()}
    for _, _, operation in repairs.operations(part):
        answers = operation["responses"]
        answers.pop("422", None) if _foreign(answers.get("422")) else None
        wanted = {int(status) for status in answers if status.isdigit() and int(status) >= 400}
        wanted.update(_ALWAYS)
        if prefix == REST and (operation.get("parameters") or operation.get("requestBody")):
            wanted.add(422)
        if prefix == REST and any(p["in"] == "path" for p in operation.get("parameters", ())):
            wanted.add(404)
        for status in sorted(wanted):
            codes = [
                code
                for code in errors.get(status, ())
                if _may_answer(operation, samples.KINDS[code])
            ]
            answers[str(status)] = _refusal(
                status, codes, error_name, media_type, kept=answers.get(str(status), {})
            )
        for status, answer in answers.items():
            answer["description"] = _said(int(status), answer)
        operation["responses"] = dict(sorted(answers.items()))
    return part


def _may_answer(operation: Json, kind: type[GatewayError]) -> bool:
    if kind.of_bodies and "requestBody" not in operation:
        return False
    return kind.operations is None or operation["operationId"] in kind.operations


def _said(status: int, answer: Json) -> str:
    """The route's own description of a response. The framework's default is HTTP's phrase, which
    differs between versions of Python."""
    said: str = answer.get("description", "")
    if said in ("", "Successful Response", HTTPStatus(status).phrase):
        return _MEANINGS[status]
    return said


def _foreign(answer: Json | None) -> bool:
    return answer is not None and "HTTPValidationError" in json.dumps(answer)


def _refusal(status: int, codes: list[str], name: str, media_type: str, *, kept: Json) -> Json:
    media: Json = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if codes:
        media["examples"] = {code: _example(f"{name}-{code}") for code in codes}
    refusal: Json = {
        "description": kept.get("description", ""),
        "content": {media_type: media},
    }
    if status in (429, 503):
        refusal["headers"] = {"Retry-After": {
            "description": "Seconds to wait before trying again.",
            "schema": {"type": "integer"},
        }}  # fmt: skip
    return refusal


def _example(name: str) -> Json:
    return {"$ref": f"#/components/examples/{name}"}


def _repair(document: Json) -> None:
    schemas = document["components"]["schemas"]
    for name in list(schemas):
        for below, schema in schemas[name].pop("$defs", {}).items():
            schemas.setdefault(below, schema)
    repairs.without_foreign(document)
    repairs.without_titles(document)
    repairs.no_nulls_in_parameters(document)
    repairs.files_are_binary(document)
    repairs.streams_are_text(document)
    repairs.no_empty_answers(document)
    repairs.always_there(document, but=_request_schemas(document))
    repairs.named_enumerations(document, _enumerations())


def _request_schemas(document: Json) -> set[str]:
    """Schemas of requests, where a default means that the field may be omitted."""
    found: set[str] = set()
    for _, _, operation in repairs.operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            # An optional body is either its schema or null.
            for schema in (media["schema"], *media["schema"].get("anyOf", ())):
                found.add(schema.get("$ref", "").rpartition("/")[2])
    return found


def _enumerations() -> list[type[StrEnum]]:
    return [kind for kind in StrEnum.__subclasses__() if kind.__module__.startswith("app.")]


def _examples() -> Json:
    """Components: `Generation-queued`, `Problem-not_found`, …"""
    by_kind = {**_answers(), **requests.EXAMPLES}
    for name, found in (
        (Problem.__name__, samples.problems()), (NativeError.__name__, samples.native_errors()),
    ):  # fmt: skip
        by_kind[name] = {code: body for bodies in found.values() for code, body in bodies.items()}
    return {
        f"{kind}-{name}": {"value": value}
        for kind, values in by_kind.items()
        for name, value in values.items()
    }


def _answers() -> dict[str, Json]:
    """Schema → name → an example of a successful response."""
    generations, records = samples.generations(), samples.records()
    listed = {**generations["succeeded"], "waiting": None}
    page = {"object": "list", "data": [listed], "has_more": False, "next_cursor": None}
    return {
        "Generation": generations,
        "GenerationList": {"page": page},
        "FeatureResult": records,
        "ResultLookup": records,
    }


def _explain(document: Json) -> None:
    """Adds the examples, and the links from each response to further operations."""
    known = {**_answers(), **requests.EXAMPLES}
    for _, _, operation in repairs.operations(document):
        operation["summary"] = TITLES[operation["operationId"]]
        body = operation.get("requestBody", {}).get("content", {})
        for holder in [body, *(a.get("content", {}) for a in operation["responses"].values())]:
            for media in holder.values():
                name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
                if name in known and "examples" not in media:
                    media["examples"] = {key: _example(f"{name}-{key}") for key in known[name]}
        for status in ("200", "202"):
            for name, (made_by, target, parameter, expression) in _LINKS.items():
                if operation["operationId"] in made_by and status in operation["responses"]:
                    links = operation["responses"][status].setdefault("links", {})
                    links[name] = {"operationId": target, "parameters": {parameter: expression}}


_MADE_BY = ("create_generation", "retry_generation")
_ID = "$response.body#/id"
#: Name → (operations that return the value, target operation, its parameter, where the value is).
_LINKS = {
    "get": (_MADE_BY, "get_generation", "generation_id", _ID),
    "cancel": (_MADE_BY, "cancel_generation", "generation_id", _ID),
    "retry": ((*_MADE_BY, "cancel_generation"), "retry_generation", "generation_id", _ID),
    "delete": (_MADE_BY, "delete_generation", "generation_id", _ID),
    "content": (_MADE_BY, "get_content", "generation_id", _ID),
    "thumbnail": (_MADE_BY, "get_thumbnail", "generation_id", _ID),
    "next": (("list_generations",), "list_generations", "cursor", "$response.body#/next_cursor"),
    "result": (("create_feature",), "get_result", "uuid", "$response.body#/aiRecord/uuid"),
}
