"""Each field of each page takes all that it documents, to the last value, and nothing beyond."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.pages import Field, Form, Kind
from app.domain.text import MAX_PROMPT_CHARS
from app.errors import Rejections

PAGES = list({id(model.page): model.page for model in BUILT_IN.models.values()}.values())
FIELDS = [
    pytest.param(field, id=f"{page.feature}-{page.provider.partition(':')[0]}-{field.name}")
    for page in PAGES
    for field in page.fields
]


def taken(field: Field) -> Iterator[Any]:
    match field.kind:
        case Kind.CHOICE:
            yield from field.allowed_on_wire or ()
        case Kind.FLAG:
            yield from (True, False)
        case Kind.INTEGER | Kind.NUMBER:
            whole = [0, 2**31] if field.least is None else [field.least, math.ceil(field.least) + 1]
            yield from whole if field.most is None else [*whole, field.most]
            yield from () if field.kind is Kind.INTEGER else [float(whole[0])]
        case Kind.TEXT:
            yield from ("x", "é" * most_chars(field))
        case Kind.ASSET:
            yield "images/a.png"
        case Kind.ASSETS:
            for many in {int(field.least or 1), int(field.most or 1)}:
                yield ["images/a.png"] * many


def refused(field: Field) -> Iterator[Any]:
    yield from (None, {}, object)
    match field.kind:
        case Kind.CHOICE:
            for each in field.allowed_on_wire or ():
                yield from (f"{each} ", str(each) + "0", [each])
                # A number in digits is not the number, nor the other way round.
                yield str(each) if isinstance(each, int) else f"{each}".encode()
                yield from (each + 0.5, each + 1000) if isinstance(each, int) else ()
        case Kind.FLAG:
            yield from (0, 1, "true", "")
        case Kind.INTEGER | Kind.NUMBER:
            yield from ("1", True, [1], math.nan, math.inf, -math.inf, 10**400)
            yield from () if field.kind is Kind.NUMBER else (0.5,)
            if field.least is not None:
                yield from (field.least - 1, math.nextafter(field.least, -math.inf))
            if field.most is not None:
                yield from (field.most + 1, math.nextafter(field.most, math.inf))
        case Kind.TEXT:
            yield from ("", " \n", 7, ["x"], "\x00", "\ud800", "x" * (most_chars(field) + 1))
        case Kind.ASSET:
            yield from ("", 7, ["images/a.png"])
        case Kind.ASSETS:
            yield from ("images/a.png", [7], [""], ["images/a.png"] * (int(field.most or 1) + 1))
            if (field.least or 0) > 0:
                yield ["images/a.png"] * (int(field.least or 1) - 1)


def most_chars(field: Field) -> int:
    return MAX_PROMPT_CHARS if field.most is None else int(field.most)


def issues_of(field: Field, value: Any) -> list[str]:
    issues = Rejections()
    Form([field], native=True).check({field.wire: value}, prefix="", issues=issues)
    return [issue.field for issue in issues.issues]


@pytest.mark.parametrize("field", FIELDS)
def test_all_that_is_documented_is_taken(field: Field) -> None:
    for value in taken(field):
        assert issues_of(field, value) == [], repr(value)[:80]


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_beyond_is_refused_by_name(field: Field) -> None:
    for value in refused(field):
        found = issues_of(field, value)
        assert found, repr(value)[:80]
        assert all(name.partition(".")[0] == field.wire for name in found)
