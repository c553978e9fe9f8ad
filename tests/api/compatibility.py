"""What in an OpenAPI document breaks the clients that were made of an earlier one.

A client sends what it knows and reads what it was told. So nothing that it calls may go, nothing
that it sends may be refused that was taken before, and nothing may come that it does not know:
clients that are generated refuse a word that was not in an enumeration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


def breaking(before: Json, now: Json) -> list[str]:
    """One sentence for each break; empty where every old client goes on working."""
    return sorted(set(_breaks(before, now)))


def _breaks(before: Json, now: Json) -> Iterator[str]:
    for path, item in before["paths"].items():
        if path not in now["paths"]:
            yield f"{path} is gone"
            continue
        for method in METHODS:
            if method in item:
                name = f"{method.upper()} {path}"
                other = now["paths"][path].get(method)
                if other is None:
                    yield f"{name} is gone"
                else:
                    yield from _Operation(before, now, name).compare(item[method], other)


class _Operation:
    def __init__(self, before: Json, now: Json, name: str) -> None:
        self._before, self._now, self._name = before, now, name
        self._seen: set[tuple[str, str, bool]] = set()

    def compare(self, before: Json, now: Json) -> Iterator[str]:
        if before.get("operationId") != now.get("operationId"):
            yield f"{self._name} has another operationId: generated functions are named by it"
        yield from self._parameters(before, now)
        sent, taken = _contents(before.get("requestBody")), _contents(now.get("requestBody"))
        for kind, schema in sent.items():
            if kind not in taken:
                yield f"{self._name} no longer takes {kind}"
            else:
                yield from self._schemas(schema, taken[kind], "request body", sent=True)
        if now.get("requestBody", {}).get("required") and not before.get("requestBody"):
            yield f"{self._name} requires a body"
        for status, answer in before["responses"].items():
            other = now["responses"].get(status)
            if other is None:
                yield f"{self._name} no longer answers {status}"
                continue
            given, had = _contents(other), _contents(answer)
            for kind, schema in had.items():
                if kind not in given:
                    yield f"{self._name} answers {status} without {kind}"
                else:
                    yield from self._schemas(schema, given[kind], f"answer {status}", sent=False)
        for status in now["responses"].keys() - before["responses"].keys():
            if status < "400":
                yield f"{self._name} answers {status}, which no client knows"

    def _parameters(self, before: Json, now: Json) -> Iterator[str]:
        def named(operation: Json) -> dict[tuple[str, str], Json]:
            return {(p["in"], p["name"]): p for p in operation.get("parameters", ())}

        had, has = named(before), named(now)
        for key, parameter in had.items():
            where = f"{key[0]} parameter {key[1]}"
            if key not in has:
                yield f"{self._name} no longer takes {where}"
            else:
                yield from self._schemas(parameter["schema"], has[key]["schema"], where, sent=True)
                if has[key].get("required") and not parameter.get("required"):
                    yield f"{self._name} requires {where}"
        for key in has.keys() - had.keys():
            if has[key].get("required"):
                yield f"{self._name} requires the new {key[0]} parameter {key[1]}"

    def _schemas(self, before: Any, now: Any, where: str, *, sent: bool) -> Iterator[str]:
        marks = (str(before.get("$ref")), str(now.get("$ref")), sent)
        if "$ref" in before and marks in self._seen:
            return
        self._seen.add(marks)
        if sent and "$ref" in before and before in now.get("oneOf", ()):
            # What was the only form is one of several.
            now = before
        elif sent and now in before.get("oneOf", ()) and len(before["oneOf"]) > 1:
            yield f"{self._name} {where}: no longer takes all of its forms"
            return
        was, is_ = _resolved(self._before, before), _resolved(self._now, now)
        yield from self._types(was, is_, where, sent=sent)
        yield from self._values(was, is_, where, sent=sent)
        yield from self._fields(was, is_, where, sent=sent)
        if "items" in was and "items" in is_:
            yield from self._schemas(was["items"], is_["items"], f"{where}[]", sent=sent)
        yield from self._options(was, is_, where, sent=sent)

    def _types(self, was: Json, is_: Json, where: str, *, sent: bool) -> Iterator[str]:
        for key in ("type", "format", "const"):
            if was.get(key) != is_.get(key):
                yield f"{self._name} {where}: {key} was {was.get(key)}, is {is_.get(key)}"
        if sent:
            for key, narrower in (("maxLength", min), ("maximum", min), ("minLength", max),
                                  ("minimum", max)):  # fmt: skip
                if key in is_ and (key not in was or narrower(was[key], is_[key]) != was[key]):
                    yield f"{self._name} {where}: {key} is narrower"
            if is_.get("pattern") not in (None, was.get("pattern")):
                yield f"{self._name} {where}: has another pattern"

    def _values(self, was: Json, is_: Json, where: str, *, sent: bool) -> Iterator[str]:
        had, has = was.get("enum"), is_.get("enum")
        if had is None and has is None:
            return
        if sent and has is not None and (had is None or set(had) - set(has)):
            lost = "other values" if had is None else ", ".join(sorted(set(had) - set(has)))
            yield f"{self._name} {where}: no longer takes {lost}"
        if not sent and had is not None and (has is None or set(has) - set(had)):
            new = "any value" if has is None else ", ".join(sorted(set(has) - set(had)))
            yield f"{self._name} {where}: may be {new}, which no client knows"

    def _fields(self, was: Json, is_: Json, where: str, *, sent: bool) -> Iterator[str]:
        had, has = was.get("properties", {}), is_.get("properties", {})
        must, had_to = set(is_.get("required", ())), set(was.get("required", ()))
        for field, schema in had.items():
            if field not in has:
                yield f"{self._name} {where}.{field} is gone"
            else:
                yield from self._schemas(schema, has[field], f"{where}.{field}", sent=sent)
        if sent:
            for field in sorted(must - had_to):
                yield f"{self._name} {where}.{field} is required"
        else:
            for field in sorted((had_to - must) & has.keys()):
                yield f"{self._name} {where}.{field} may be missing"

    def _options(self, was: Json, is_: Json, where: str, *, sent: bool) -> Iterator[str]:
        """Options are told apart by what they refer to, or by their type."""
        for key in ("anyOf", "oneOf"):
            had = {_mark(one): one for one in was.get(key, ())}
            has = {_mark(one): one for one in is_.get(key, ())}
            gone, new = had.keys() - has.keys(), has.keys() - had.keys()
            if sent and gone:
                yield f"{self._name} {where}: no longer takes {', '.join(sorted(gone))}"
            if not sent and new:
                yield f"{self._name} {where}: may be {', '.join(sorted(new))}, which is new"
            for mark in had.keys() & has.keys():
                yield from self._schemas(had[mark], has[mark], where, sent=sent)


def _contents(holder: Json | None) -> dict[str, Json]:
    contents = (holder or {}).get("content", {})
    return {kind: media.get("schema", {}) for kind, media in contents.items()}


def _mark(schema: Json) -> str:
    return str(schema.get("$ref") or schema.get("type") or sorted(schema))


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema
