"""The OpenAPI document as it is served, and the page on which people read and try it."""

from __future__ import annotations

import json
import re
import threading

import pytest

from app.domain.catalog.catalog import Catalog
from app.openapi import document, routes
from app.openapi.repairs import operations
from app.openapi.titles import TITLES
from tests.harness.gateway import Gateway
from tests.structure.sources import ROOT


async def test_it_is_served_as_it_is_kept(still_gate: Gateway) -> None:
    answer = await still_gate.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text())
    # Programs that import it call the address that callers use.
    kept["servers"][0]["url"] = still_gate.rt.settings.link_base
    assert answer.json() == kept


async def test_whatever_writes_it_holds_up_no_other_request(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is kept: an installed wheel, and an operator's own models."""
    writers = []

    def written(_catalog: Catalog) -> str:
        writers.append(threading.current_thread())
        return '{"openapi": "3.1.0"}'

    monkeypatch.setattr(document, "written", written)
    await still_gate.http.get("/api/v1/openapi.json")
    assert writers == [], "it is kept"
    monkeypatch.setattr(routes, "_KEPT", ROOT / "not-there.json")
    routes._written.cache_clear()
    try:
        answer = await still_gate.http.get("/api/v1/openapi.json")
    finally:
        routes._written.cache_clear()
    assert answer.json() == {"openapi": "3.1.0"}
    assert writers != [threading.main_thread()]
    assert len(writers) == 1


async def test_the_page_loads_nothing_from_anywhere_else(still_gate: Gateway) -> None:
    page = await still_gate.http.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for path in loaded:
        assert path.startswith("docs/")
        file = await still_gate.http.get(f"/{path}")
        assert file.status_code == 200, path
        assert file.content
    start = (await still_gate.http.get("/docs/start.js")).text
    assert 'fetch("api/v1/openapi.json")' in start
    assert "//" not in start + page.text.replace("<!doctype html>", "")


def test_nothing_that_differs_between_two_creates_is_filled_in() -> None:
    """Swagger UI, Bruno and Postman take examples of parameters for values."""
    for path, method, operation in operations(document.combined()):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "header":
                assert not {"example", "examples", "default"} & parameter.keys(), (path, method)


def test_it_begins_with_a_create_and_says_what_each_operation_does() -> None:
    found = [operation for _, _, operation in operations(document.combined())]
    first, item = next(iter(document.combined()["paths"].items()))
    assert (first, next(iter(item))) == ("/api/v1/generations", "post")
    assert {operation["operationId"] for operation in found} == TITLES.keys()
    assert len({operation["summary"] for operation in found}) == len(found)


def test_no_two_parameters_of_an_operation_have_one_name_in_a_program() -> None:
    for path, method, operation in operations(document.combined()):
        names = [
            re.sub(r"[^a-z]", "", one["name"].lower()) for one in operation.get("parameters", ())
        ]
        assert len(set(names)) == len(names), (path, method)


def test_every_example_is_used() -> None:
    text = json.dumps(document.combined())
    for name in document.combined()["components"]["examples"]:
        assert f'"#/components/examples/{name}"' in text


async def test_every_guide_that_it_names_exists(still_gate: Gateway) -> None:
    """Its links are relative to `/docs`."""
    about = document.combined()["info"]["description"]
    links = re.findall(r"\]\(([^)]+)\)", about)
    assert len(links) == 4
    for link in links:
        assert (await still_gate.http.get(f"/{link}")).status_code == 200, link
