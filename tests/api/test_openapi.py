"""The OpenAPI document: that it is one, that what it says is so, and that it stays."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource

from app.api import wire as rest
from app.dialects.onemin import wire as onemin
from app.domain.catalog.catalog import BUILT_IN
from app.errors import InvalidRequest
from app.openapi import requests, samples
from app.openapi.document import combined
from app.openapi.repairs import every_schema, operations
from tests.api.compatibility import breaking
from tests.structure.sources import ROOT

#: The document of the last release. A release copies docs/openapi.json there.
RELEASED = ROOT / "docs" / "openapi-released.json"


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(combined())


def pointers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "$ref" and isinstance(below, str):
                yield below
            else:
                yield from pointers(below)
    elif isinstance(value, list):
        for below in value:
            yield from pointers(below)


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_pointer_leads_somewhere(document: dict[str, Any]) -> None:
    for pointer in set(pointers(document)):
        place: Any = document
        for part in pointer.removeprefix("#/").split("/"):
            assert part in place, pointer
            place = place[part]


def test_operations_are_named_tagged_and_described(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){1,3}", name)] == []
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        assert set(operation["tags"]) <= tags, path
        assert operation["description"].endswith("."), (method, path)
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "path":
                assert parameter.get("description"), (path, parameter["name"])


def test_a_key_goes_either_way(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["ApiKey"] == {**schemes["ApiKey"], "in": "header", "name": "API-KEY"}
    assert (schemes["Bearer"]["type"], schemes["Bearer"]["scheme"]) == ("http", "bearer")
    for path, _, operation in operations(document):
        assert {"ApiKey": []} in operation["security"], path
        assert {"Bearer": []} in operation["security"], path


def test_every_refusal_has_its_schema(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        own = path.startswith("/api/v1/")
        kind = "application/problem+json" if own else "application/json"
        name = "Problem" if own else "NativeError"
        for status, answer in operation["responses"].items():
            assert answer["description"].endswith("."), (method, path, status)
            if status >= "400":
                schema = answer["content"][kind]["schema"]
                assert schema == {"$ref": f"#/components/schemas/{name}"}
                assert list(answer["content"]) == [kind]
        assert {"401", "500", "503"} <= operation["responses"].keys()
        assert ("413" in operation["responses"]) == ("requestBody" in operation), (method, path)


def test_every_success_says_what_it_is(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status < "300" and status != "204":
                assert answer["content"], (method, path, status)
                for media in answer["content"].values():
                    assert media["schema"], (method, path, status)


def test_generators_find_nothing_that_they_stumble_over(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for word in ("HTTPValidationError", "itemSchema", "contentMediaType", "prefixItems"):
        assert word not in text

    def act(schema: dict[str, Any]) -> None:
        assert not isinstance(schema.get("title"), str), schema
        assert schema != {"type": "null"} or schema in nullable
        for one in schema.get("anyOf", ()):
            if one == {"type": "null"}:
                nullable.append(one)

    nullable: list[Any] = [{"type": "null"}]
    every_schema(document, act)
    for schema in document["components"]["schemas"].values():
        for name, described in schema.get("properties", {}).items():
            assert described.get("type") != "null", name


def test_every_enumeration_is_named_once(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if "enum" in schema:
            assert len(schema["x-enum-varnames"]) == len(schema["enum"]), name
        # The word that tells the members of a union apart is the member's own.
        for field, described in schema.get("properties", {}).items():
            assert len(described.get("enum", [0])) == 1, (name, field)


def test_what_is_always_there_is_required_and_nothing_else(document: dict[str, Any]) -> None:
    rotation = document["components"]["schemas"]["WebhookRotation"]
    assert "required" not in rotation
    assert rotation["properties"]["overlap_seconds"]["default"] == 86_400
    generation = document["components"]["schemas"]["Generation"]
    assert set(generation["required"]) == set(generation["properties"])
    refusals = {"Problem", "ProblemIssue", "NativeError", "NativeIssue"}
    for name in reached(document, lambda operation: operation["responses"]) - refusals:
        schema = document["components"]["schemas"][name]
        assert set(schema.get("properties", ())) == set(schema.get("required", ())), name


def reached(document: dict[str, Any], begin: Callable[[dict[str, Any]], Any]) -> set[str]:
    """Names of the schemas that something of the operations leads to."""
    found: set[str] = set()
    left = [p for _, _, operation in operations(document) for p in pointers(begin(operation))]
    while left:
        place, _, name = left.pop().rpartition("/")
        if place == "#/components/schemas" and name not in found:
            found.add(name)
            left += pointers(document["components"]["schemas"][name])
    return found


# What it says is so


def rooted(value: Any) -> Any:
    """With pointers that lead into the whole document, from wherever a part of it is read."""
    if isinstance(value, dict):
        return {
            key: f"urn:openapi{below}" if key == "$ref" else rooted(below)
            for key, below in value.items()
        }
    return [rooted(below) for below in value] if isinstance(value, list) else value


@cache
def whole() -> Registry[Any]:
    resource: Resource[Any] = Resource.opaque(rooted(combined()))
    registry: Registry[Any] = Registry().with_resource("urn:openapi", resource)
    return registry


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(rooted(schema), registry=whole())


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    pairs: set[tuple[str, str]] = set()
    for path, method, operation in operations(document):
        answers = operation["responses"].values()
        for holder in (operation.get("requestBody", {}), *answers):
            for media in holder.get("content", {}).values():
                for name, example in media.get("examples", {}).items():
                    key = example["$ref"].rpartition("/")[2]
                    value = document["components"]["examples"][key]["value"]
                    schema = json.dumps(media["schema"])
                    if (key, schema) in pairs:
                        continue
                    problems = list(validator(media["schema"]).iter_errors(value))
                    assert problems == [], (method, path, name)
                    pairs.add((key, schema))
    seen = {key for key, _ in pairs}
    unused = document["components"]["examples"].keys() - seen
    # Errors that no operation here answers with belong to other APIs of the gateway.
    assert {key for key in unused if not key.startswith(("Problem-", "NativeError-"))} == set()


def test_every_example_of_a_request_is_taken() -> None:
    for example in requests.EXAMPLES["GenerationRequest"].values():
        assert rest.parse(example).spec.facts.prompt == example["prompt"]
    for example in requests.EXAMPLES["FeatureRequest"].values():
        assert (
            onemin.parse(example, BUILT_IN).spec.facts.prompt == example["promptObject"]["prompt"]
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature": "OTHER"}, {"prompt": ""}, {"prompt": " \n"}, {"prompt": "a\x00b"},
        {"prompt": "x" * 32_001}, {"prompt": 1}, {"model": "sora-2"}, {"duration": "7s"},
        {"aspect_ratio": "2:1"}, {"resolution": "540p"}, {"loop": "true"}, {"loop": None},
        {"size": "1280x720"},
    ],
    ids=repr,
)  # fmt: skip
def test_schema_and_parser_refuse_the_same(document: dict[str, Any], wrong: Any) -> None:
    body = {**requests.EXAMPLES["GenerationRequest"]["least"], **wrong}
    schema = document["components"]["schemas"]["LumaRequest"]
    assert not validator(schema).is_valid(body)
    with pytest.raises(InvalidRequest):
        rest.parse(body)


def test_the_native_schemas_are_what_the_dialect_writes(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["FeatureResult"]
    for record in samples.records().values():
        assert validator(schema).is_valid(record)
        described = document["components"]["schemas"]["AiRecord"]["properties"]
        assert described.keys() == record["aiRecord"].keys()
    nothing = document["components"]["schemas"]["ResultLookup"]
    assert validator(nothing).is_valid(onemin.render_nothing())


# It stays


def test_nothing_breaks_the_clients_of_the_last_release(document: dict[str, Any]) -> None:
    released = json.loads(RELEASED.read_text()) if RELEASED.exists() else document
    assert breaking(released, document) == []


def _remove_path(d: dict[str, Any]) -> None:
    del d["paths"]["/api/v1/models"]


def _remove_operation(d: dict[str, Any]) -> None:
    del d["paths"]["/api/v1/generations/{generation_id}"]["delete"]


def _rename_operation(d: dict[str, Any]) -> None:
    d["paths"]["/api/v1/me"]["get"]["operationId"] = "whoami"


def _remove_answered_field(d: dict[str, Any]) -> None:
    del d["components"]["schemas"]["Spec"]["properties"]["loop"]


def _answered_field_may_be_missing(d: dict[str, Any]) -> None:
    d["components"]["schemas"]["Me"]["required"].remove("open")


def _require_a_new_field(d: dict[str, Any]) -> None:
    schema = d["components"]["schemas"]["LumaRequest"]
    schema["properties"]["style"] = {"type": "string"}
    schema["required"].append("style")


def _require_an_old_field(d: dict[str, Any]) -> None:
    d["components"]["schemas"]["LumaRequest"]["required"].append("loop")


def _take_fewer_values(d: dict[str, Any]) -> None:
    d["components"]["schemas"]["LumaDuration"]["enum"].remove("10s")


def _answer_a_new_value(d: dict[str, Any]) -> None:
    d["components"]["schemas"]["State"]["enum"].append("resting")


def _change_a_type(d: dict[str, Any]) -> None:
    d["components"]["schemas"]["Generation"]["properties"]["quote_credits"]["type"] = "number"


def _take_shorter_text(d: dict[str, Any]) -> None:
    schema = d["components"]["schemas"]["LumaRequest"]["properties"]["prompt"]
    schema["maxLength"] = 100


def _remove_a_parameter(d: dict[str, Any]) -> None:
    parameters = d["paths"]["/api/v1/usage"]["get"]["parameters"]
    parameters[:] = [p for p in parameters if p["name"] != "format"]


def _require_a_parameter(d: dict[str, Any]) -> None:
    for parameter in d["paths"]["/api/v1/usage"]["get"]["parameters"]:
        parameter["required"] = True


def _answer_with_null(d: dict[str, Any]) -> None:
    field = d["components"]["schemas"]["Generation"]["properties"]["progress"]
    reference = field.pop("$ref")
    field["anyOf"] = [{"$ref": reference}, {"type": "null"}]


def _remove_a_status(d: dict[str, Any]) -> None:
    del d["paths"]["/api/v1/generations"]["post"]["responses"]["202"]


def _answer_a_new_success(d: dict[str, Any]) -> None:
    answers = d["paths"]["/api/v1/me"]["get"]["responses"]
    answers["206"] = answers["200"]


def _answer_another_kind(d: dict[str, Any]) -> None:
    content = d["paths"]["/api/v1/me"]["get"]["responses"]["200"]["content"]
    content["application/xml"] = content.pop("application/json")


BREAKS: tuple[tuple[Callable[[dict[str, Any]], None], str], ...] = (
    (_remove_path, "/api/v1/models is gone"),
    (_remove_operation, "DELETE /api/v1/generations/{generation_id} is gone"),
    (_rename_operation, "has another operationId"),
    (_remove_answered_field, "spec.loop is gone"),
    (_answered_field_may_be_missing, "open may be missing"),
    (_require_a_new_field, "style is required"),
    (_require_an_old_field, "loop is required"),
    (_take_fewer_values, "no longer takes 10s"),
    (_answer_a_new_value, "may be resting, which no client knows"),
    (_change_a_type, "type was integer, is number"),
    (_take_shorter_text, "maxLength is narrower"),
    (_remove_a_parameter, "no longer takes query parameter format"),
    (_require_a_parameter, "requires query parameter from"),
    (_answer_with_null, "progress"),
    (_remove_a_status, "no longer answers 202"),
    (_answer_a_new_success, "answers 206, which no client knows"),
    (_answer_another_kind, "without application/json"),
)


@pytest.mark.parametrize(("change", "said"), BREAKS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_break_is_found(
    document: dict[str, Any], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    found = breaking(document, changed)
    assert any(said in one for one in found), found


def test_what_only_adds_breaks_nothing(document: dict[str, Any]) -> None:
    more = copy.deepcopy(document)
    schemas = more["components"]["schemas"]
    schemas["Generation"]["properties"]["colour"] = {"type": "string"}
    schemas["LumaRequest"]["properties"]["style"] = {"type": "string"}
    schemas["UsageFormat"]["enum"].append("xml")
    more["paths"]["/api/v1/news"] = more["paths"]["/api/v1/me"]
    more["paths"]["/api/v1/me"]["get"]["parameters"] = [
        {"name": "deep", "in": "query", "required": False, "schema": {"type": "boolean"}}
    ]
    assert breaking(document, more) == []
    assert breaking(document, document) == []


def test_a_second_feature_breaks_nothing(document: dict[str, Any]) -> None:
    more = copy.deepcopy(document)
    more["components"]["schemas"]["OtherRequest"] = {"type": "object"}
    body = more["paths"]["/api/v1/generations"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    body["content"]["application/json"]["schema"] = {
        "oneOf": [schema, {"$ref": "#/components/schemas/OtherRequest"}]
    }
    assert breaking(document, more) == []
    assert any("no longer takes" in said for said in breaking(more, document))


def test_a_union_of_several_is_told_apart_by_its_field() -> None:
    made = requests.union("feature", {"A": "First", "B": "Second"})
    assert made["discriminator"]["mapping"] == {
        "A": "#/components/schemas/First", "B": "#/components/schemas/Second",
    }  # fmt: skip
    assert made["oneOf"] == [{"$ref": p} for p in made["discriminator"]["mapping"].values()]
