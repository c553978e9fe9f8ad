"""Repairs the generated description for client generators. Pure: each function modifies the
document it is given.

Generators are particular: they invent names for inline enumerations, use titles as names, send
nulls in queries, read files described in the way of OpenAPI 3.1 as text, and fail at one dangling
reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

#: The framework's own description of a validation error, which nothing here returns.
_FOREIGN = ("HTTPValidationError", "ValidationError")
_METHODS = ("get", "post", "put", "patch", "delete")


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """(path, method, operation)."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def walk(schema: Any, act: Callable[[Json], None]) -> None:
    """Calls `act` with every schema, innermost first. Properties that are named like keywords are
    not mistaken for them."""
    if not isinstance(schema, dict):
        return
    for key in ("properties", "$defs"):
        for below in schema.get(key, {}).values():
            walk(below, act)
    for key in ("items", "additionalProperties", "not"):
        walk(schema.get(key), act)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for below in schema.get(key, ()):
            walk(below, act)
    act(schema)


def every_schema(document: Json, act: Callable[[Json], None]) -> None:
    for schema in document["components"]["schemas"].values():
        walk(schema, act)
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            walk(parameter["schema"], act)
        answers = operation["responses"].values()
        for holder in (operation.get("requestBody", {}), *answers):
            for media in holder.get("content", {}).values():
                walk(media.get("schema"), act)


def rename(document: Json, suffix: str) -> Json:
    """Removes this suffix from the names of components, unless the shorter name exists."""
    names = document["components"]["schemas"].keys()
    shorter = {
        name: name.removesuffix(suffix)
        for name in names
        if name.endswith(suffix) and name.removesuffix(suffix) not in names
    }
    renamed: Json = _replaced(document, shorter)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {shorter.get(n, n): s for n, s in sorted(schemas.items())}
    return renamed


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _pointed(below, names) if key == "$ref" else _replaced(below, names)
            for key, below in value.items()
        }
    return [_replaced(below, names) for below in value] if isinstance(value, list) else value


def _pointed(pointer: str, names: dict[str, str]) -> str:
    place, _, name = pointer.rpartition("/")
    return f"{place}/{names.get(name, name)}"


def without_aliases(document: Json) -> Json:
    """Replaces components that only point to another one."""
    schemas = document["components"]["schemas"]
    aliases = {
        name: schema["$ref"].rpartition("/")[2]
        for name, schema in schemas.items()
        if schema.keys() == {"$ref"}
    }
    kept: Json = _replaced(document, aliases)
    for name in aliases:
        del kept["components"]["schemas"][name]
    return kept


def without_titles(document: Json) -> None:
    every_schema(document, lambda schema: schema.pop("title", None))


def without_foreign(document: Json) -> None:
    for name in _FOREIGN:
        document["components"]["schemas"].pop(name, None)


def named_enumerations(document: Json, known: Iterable[type[StrEnum]]) -> None:
    """Adds the names of its members to each enumeration of ours."""
    by_values = {tuple(member.value for member in kind): kind for kind in known}
    for schema in document["components"]["schemas"].values():
        kind = by_values.get(tuple(schema.get("enum", ())))
        if kind is not None:
            schema["x-enum-varnames"] = [member.name for member in kind]
            # The docstring is for programmers of the gateway, not for its callers.
            schema.pop("description", None)


def always_there(document: Json, *, but: Iterable[str] = ()) -> None:
    """Makes fields of responses that have a default required: they are always present."""
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            if name not in but and described.get("default") is not None:
                described.pop("default")
                schema.setdefault("required", []).append(field)


def no_nulls_in_parameters(document: Json) -> None:
    """An optional parameter is omitted, not null."""
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
            if len(options) == 1:
                rest = {key: value for key, value in schema.items() if key != "anyOf"}
                parameter["schema"] = {**options[0], **rest}


def files_are_binary(document: Json) -> None:
    def act(schema: Json) -> None:
        if schema.pop("contentMediaType", None):
            schema.update(type="string", format="binary")

    every_schema(document, act)


def streams_are_text(document: Json) -> None:
    """Describing single events needs OpenAPI 3.2."""
    for _, _, operation in operations(document):
        for answer in operation["responses"].values():
            for kind, media in answer.get("content", {}).items():
                if kind == "text/event-stream":
                    media.pop("itemSchema", None)
                    media["schema"] = {"type": "string"}


def no_empty_answers(document: Json) -> None:
    """Removes responses with an empty schema: a route that builds its own responses has one beside
    those it declares."""
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            kept = {
                kind: media
                for kind, media in answer.get("content", {}).items()
                if media.get("schema") not in (None, {})
            }
            if status == "204" or not kept:
                answer.pop("content", None)
            else:
                answer["content"] = kept


def without_unused_examples(document: Json) -> None:
    used = set(re.findall(r'"#/components/examples/([^"]+)"', json.dumps(document)))
    examples = document["components"]["examples"]
    for name in examples.keys() - used:
        del examples[name]
