"""Records that show something else than what was asked for, and films that are none."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.standin import raw
from tests.standin.films import film_for
from tests.standin.oddities import ODDITIES
from tests.standin.raw import create, exchange, get
from tests.standin.records import Record
from tests.standin.script import Point
from tests.standin.server import StandIn

PROMPT = "Ein Löwe & eine Löwin <im Abendlicht>, " + "sehr lang " * 30
OTHER = "another generation's prompt"


async def shown(stand_in: StandIn, name: str, *, point: Point = Point.LOOK) -> Any:
    """The document of our record, where another was made before it."""
    await exchange(stand_in, create(OTHER, asynchronous=False))
    if point is Point.POST:
        stand_in.script.on(point, ODDITIES[name], prompt=PROMPT)
    answer = await exchange(stand_in, create(PROMPT, asynchronous=False))
    if point is Point.POST:
        return raw.record(answer)
    stand_in.script.on(point, ODDITIES[name], prompt=PROMPT)
    target = f"/api/results/{raw.record(answer)['uuid']}"
    return raw.record(await exchange(stand_in, get(target)))


def prompt_of(record: Any) -> str:
    return str(record["aiRecordDetail"]["promptObject"]["prompt"])


def made(stand_in: StandIn, prompt: str) -> Record:
    (record,) = stand_in.shelf.made_for(prompt)
    return record


async def test_an_echo_is_another_form_of_our_prompt(stand_in: StandIn) -> None:
    prompts = {
        name: prompt_of(await shown(stand_in, f"echo_{name}"))
        for name in ("enhanced", "nfd", "escaped", "lower", "cut", "spaces")
    }
    assert prompts["nfd"] == unicodedata.normalize("NFD", PROMPT) != PROMPT
    assert "L&ouml;we" not in prompts["escaped"]
    assert prompts["escaped"].startswith("Ein Löwe &amp; eine Löwin &lt;im")
    assert (prompts["lower"], prompts["cut"]) == (PROMPT.lower(), PROMPT[:200])
    assert PROMPT in prompts["enhanced"]
    assert prompts["spaces"].split() == PROMPT.split()


async def test_the_record_of_another_has_our_id_and_its_film(stand_in: StandIn) -> None:
    record = await shown(stand_in, "record_of_another")
    assert record["uuid"] == made(stand_in, PROMPT).uuid
    assert prompt_of(record) == OTHER
    link = record["temporaryUrl"].removeprefix(stand_in.address)
    assert raw.body(await exchange(stand_in, get(link))) == film_for(raw.asked(OTHER))


async def test_the_failure_of_another_has_our_id_and_no_link(stand_in: StandIn) -> None:
    record = await shown(stand_in, "failure_of_another")
    assert record["uuid"] == made(stand_in, PROMPT).uuid
    assert (prompt_of(record), record["status"]) == (OTHER, "FAILURE")
    assert "temporaryUrl" not in record


async def test_one_uuid_for_two_requests_means_the_second(stand_in: StandIn) -> None:
    record = await shown(stand_in, "uuid_of_another", point=Point.POST)
    assert record["uuid"] == made(stand_in, PROMPT).uuid == made(stand_in, OTHER).uuid
    found = raw.record(await exchange(stand_in, get(f"/api/results/{record['uuid']}")))
    assert prompt_of(found) == PROMPT


async def test_a_failure_is_not_billed_and_stays_one(stand_in: StandIn) -> None:
    record = await shown(stand_in, "failure_echo_nfd", point=Point.POST)
    assert record["status"] == "FAILURE"
    assert prompt_of(record) == unicodedata.normalize("NFD", PROMPT)
    assert stand_in.journal.billed(PROMPT) == 0
    found = raw.record(await exchange(stand_in, get(f"/api/results/{record['uuid']}")))
    assert found["status"] == "FAILURE"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("success_completed", "COMPLETED"), ("success_spaced", " SUCCESS "),
        ("failure_error", "ERROR"), ("failure_unheard_of", "REJECTED"),
        ("success_missing_word", None),
    ],
)  # fmt: skip
async def test_a_word_of_its_own(stand_in: StandIn, name: str, word: object) -> None:
    assert (await shown(stand_in, name))["status"] == word


async def test_the_owner_is_named_wherever_a_name_says_so(stand_in: StandIn) -> None:
    account = stand_in.accounts[raw.KEY]
    (path, named) = (await shown(stand_in, "paths_of_owner"))["aiRecordDetail"]["resultObject"]
    assert account.mail in path
    assert account.name in named
    record = await shown(stand_in, "failed_and_named")
    assert account.name in record["aiRecordDetail"]["resultObject"]["message"]
    assert len((await shown(stand_in, "paths_50000"))["aiRecordDetail"]["resultObject"]) == 50_001


@pytest.mark.parametrize("name", ["film_cut", "film_open_ended_cut", "film_of_another",
                                  "film_html", "film_empty", "film_unasked_range"])  # fmt: skip
async def test_a_film_that_is_not_the_film(stand_in: StandIn, name: str) -> None:
    record = await shown(stand_in, "echo_lower")
    stand_in.script.on(Point.DOWNLOAD, ODDITIES[name])
    link = record["temporaryUrl"].removeprefix(stand_in.address)
    answer = await exchange(stand_in, get(link))
    film, whole = raw.body(answer), film_for(raw.asked(PROMPT))
    if name == "film_of_another":
        assert film == film_for(raw.asked(OTHER))
    elif name == "film_html":
        assert film.startswith(b"<!DOCTYPE html>")
    elif name == "film_unasked_range":
        assert (raw.status(answer), film) == (206, whole[len(whole) // 2 :])
    else:
        assert len(film) == (0 if name == "film_empty" else len(whole) * 6 // 10)
        assert (b"\x00\x00\x00\x00mdat" in film) == (name == "film_open_ended_cut")
    assert raw.body(await exchange(stand_in, get(link))) == whole
