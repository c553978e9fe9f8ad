"""`reelgate catalog check`, against lists over real HTTP."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.domain.catalog.comparison import Listed
from app.http_client import HttpClient
from app.simulator.config import SimulatorConfig
from app.simulator.models import everything
from app.upstream import model_list
from app.upstream.model_list import ListUnread, read_list
from tests.catalog.test_made_up import FAMILY
from tests.harness.commands import Commands, Ran, commands
from tests.harness.gateway import UPSTREAM_KEY, settings_for
from tests.harness.sockets import kept_port
from tests.simulator.conftest import serving as simulating
from tests.upstream.loopback import Connection, serving

CHECK = ("catalog", "check")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("operator")) as opened:
        yield opened


def run(operator: Commands, address: str, *words: str, **settings: str) -> Ran:
    return operator.run(*CHECK, *words, settings={"REELGATE_SIMULATOR_URL": address, **settings})


async def test_the_catalogue_beside_the_list(operator: Commands, tmp_path: Path) -> None:
    async with simulating(SimulatorConfig(data_dir=tmp_path)) as simulator:
        address = str(simulator.http.base_url)
        same = await asyncio.to_thread(run, operator, address)
        assert (same.code, same.err) == (0, "")
        assert same.out == "The catalogue has what the upstream lists.\n"

        changes = [
            {"modelId": "pika", "cutoffDate": "2026-12-09T00:00:00.000Z"},
            {"modelId": "luma", "renamed": "luma-ai", "name": "[red]Luma[/red]\x1b[31m\n\u202e"},
            {"modelId": "hailuo", "gone": True},
            {"modelId": "kling", "status": "INACTIVE"},
            {"modelId": "acme/films", "name": "Acme", "features": ["TEXT_TO_VIDEO"]},
        ]
        answer = await simulator.http.post("/_simulator/models", json=changes)
        assert answer.status_code == 201, answer.text
        found = await asyncio.to_thread(run, operator, address)
        assert (found.code, found.err) == (1, "")
        assert "\x1b" not in found.out
        assert "\u202e" not in found.out
        assert "[red]Luma[/red]" in found.out
        head, *lines = [line.split() for line in found.out.splitlines()]
        assert head[:3] == ["change", "feature", "provider"]
        assert [tuple(line[:3]) for line in lines] == [
            ("renamed", "TEXT_TO_VIDEO", "luma"), ("gone", "TEXT_TO_VIDEO", "kling"),
            ("gone", "TEXT_TO_VIDEO", "hailuo"), ("retiring", "TEXT_TO_VIDEO", "pika"),
            ("new", "TEXT_TO_VIDEO", "acme/films"), ("renamed", "IMAGE_TO_VIDEO", "luma"),
            ("gone", "IMAGE_TO_VIDEO", "kling"), ("gone", "IMAGE_TO_VIDEO", "hailuo"),
            ("retiring", "IMAGE_TO_VIDEO", "pika"),
        ]  # fmt: skip

        said = await asyncio.to_thread(run, operator, address, "--json")
        assert said.code == 1
        document = json.loads(said.out)
        assert (document["same"], document["unread_entries"]) == (False, 0)
        assert document["differences"][4] == {
            "change": "new", "feature": "TEXT_TO_VIDEO", "provider": "acme/films", "models": [],
            "listed_as": "acme/films", "name": "Acme", "retires_on": None, "known": False,
        }  # fmt: skip
        retiring = document["differences"][3]
        assert (retiring["retires_on"], retiring["known"]) == ("2026-12-09", False)
        assert retiring["models"] == ["pika-2-turbo", "pika-2.1", "pika-2.2"]


async def test_an_operators_own_file_is_compared(operator: Commands, tmp_path: Path) -> None:
    """What it says is known."""
    models = tmp_path / "models.toml"
    models.write_text(FAMILY)
    catalog = settings_for("postgresql://nowhere", tmp_path, catalog_file=models).catalog()
    config = SimulatorConfig(data_dir=tmp_path, catalog=everything(catalog))
    async with simulating(config) as simulator:
        address = str(simulator.http.base_url)
        ends = [{"modelId": "pika", "cutoffDate": "2026-12-09"}]
        await simulator.http.post("/_simulator/models", json=ends)
        unknown = await asyncio.to_thread(run, operator, address, "--json")
        assert unknown.code == 1
        new = [each["provider"] for each in json.loads(unknown.out)["differences"]]
        assert new == ["pika", "acme/films", "pika"]
        pika = [name for name, model in catalog.models.items() if model.provider == "pika"]
        models.write_text(
            FAMILY
            + "".join(f'\n[[model]]\nid = "{name}"\nretires_on = 2026-12-09\n' for name in pika)
        )
        known = await asyncio.to_thread(
            run, operator, address, "--json", REELGATE_CATALOG_FILE=str(models)
        )
        assert known.code == 0, known.out + known.err
        document = json.loads(known.out)
        assert document["same"]
        assert {each["known"] for each in document["differences"]} == {True}


def test_a_list_that_cannot_be_reached_has_a_code_of_its_own(operator: Commands) -> None:
    with kept_port() as port:
        ran = run(operator, f"http://127.0.0.1:{port}")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        "reelgate: The upstream's model list of TEXT_TO_VIDEO cannot be read: it cannot be "
        "reached.\n"
    )


def answering(body: bytes, *, status: str = "200 OK", **headers: str) -> Any:
    async def script(connection: Connection) -> None:
        await connection.request()
        named = {"Content-Length": str(len(body)), "Connection": "close",
                 **{name.replace("_", "-"): value for name, value in headers.items()}}  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        await connection.send(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)

    return script


async def read(script: Any, **limits: Any) -> tuple[list[Listed], int]:
    async with serving(script) as server:
        http = HttpClient(max_connections=1)
        try:
            return await read_list(http, f"http://127.0.0.1:{server.port}", "TEXT_TO_VIDEO")
        finally:
            (request, *others) = server.requests
            assert not others
            assert request.path == "/models?feature=TEXT_TO_VIDEO"
            assert "api-key" not in request.headers
            assert "authorization" not in request.headers
            assert "cookie" not in request.headers
            assert UPSTREAM_KEY not in str(request)


def document(*entries: Any) -> bytes:
    return json.dumps({"models": entries, "total": len(entries)}).encode()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (answering(b"<html>busy</html>"), "its answer is not JSON"),
        (answering(b"\xff\xfe"), "its answer is not JSON"),
        (answering(b"[" * 100_000), "its answer is not JSON"),
        (answering(b"{}"), "its answer has no list of models"),
        (answering(b'"models"'), "its answer has no list of models"),
        (answering(b'{"models": {"a": 1}}'), "its answer has no list of models"),
        (answering(document()), "it is empty"),
        (answering(document(1, None, {"modelId": 7}, {"modelId": ""}, [], {"modelId": "\ud800"})),
         "none of its entries has a modelId"),
        (answering(b"{}", status="503 Busy"), "it answered with the status 503"),
        (answering(b"", status="302 Found", Location="http://169.254.169.254/"),
         "it answered with the status 302"),
        (answering(b"x", Content_Length="5000000000"), "its answer is too large|broke"),
        (answering(zlib.compress(b" " * 20_000_000), Content_Encoding="deflate"),
         "its answer is too large"),
        (answering(b"x", Content_Encoding="gzip"), "not in the encoding that it names"),
        (answering(b" " * (model_list.MAX_LIST_BYTES + 1)), "its answer is too large"),
        (answering(document({"modelId": "a"})[:20], Content_Length="200"), "the connection broke"),
    ],
    ids=[
        "html", "bytes", "deep", "object", "text", "models_object", "empty", "no_ids", "503",
        "302", "promised", "packed", "not_packed", "large", "broken",
    ],
)  # fmt: skip
async def test_what_is_no_list_is_one_sentence(script: Any, said: str) -> None:
    with pytest.raises(ListUnread, match=said) as raised:
        await read(script)
    sentence = str(raised.value)
    assert sentence.startswith("The upstream's model list of TEXT_TO_VIDEO cannot be read: ")
    assert len(sentence) < 160


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"cutoffDate": "2026-12-09T10:00:00.000Z"}, {"retires_on": date(2026, 12, 9)}),
        ({"cutoffDate": "2026-12-09"}, {"retires_on": date(2026, 12, 9)}),
        ({"cutoffDate": 1_796_774_400}, {"retires_on": date(2026, 12, 9)}),
        ({"cutoffDate": 1_796_774_400_000}, {"retires_on": date(2026, 12, 9)}),
        ({"cutoffDate": "soon"}, {}), ({"cutoffDate": True}, {}), ({"cutoffDate": {}}, {}),
        ({"cutoffDate": 10**60}, {}), ({"cutoffDate": 1e300}, {}), ({"cutoffDate": -1}, {}),
        ({"cutoffDate": float("nan")}, {}), ({"cutoffDate": None}, {}),
        ({"status": "ACTIVE"}, {}), ({"status": "active"}, {}), ({"status": 7}, {}),
        ({"status": "INACTIVE"}, {"active": False}), ({"status": "DEPRECATED"}, {"active": False}),
        ({"name": 9}, {}), ({"name": "Film"}, {"name": "Film"}),
        ({"name": "n" * 500}, {"name": "n" * 77 + "..."}),
    ],
    ids=str,
)  # fmt: skip
async def test_an_entry_is_read_as_far_as_it_is_known(
    entry: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    body = document({"modelId": "a", **entry}, {"modelId": "b" * 201}, "?")
    assert await read(answering(body)) == ([Listed(id="a", **found)], 2)
    assert await read(answering(json.dumps([{"modelId": "a"}]).encode())) == ([Listed(id="a")], 0)
