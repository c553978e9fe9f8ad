"""What operators are told of a generation, and of what they do about one that is unknown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.db import upstream_answers, webhook_deliveries
from app.domain.ids import parse_generation_id, video_id
from app.domain.operators import Outcome
from tests.generations.test_unknown import film_of, unknown_one
from tests.harness.commands import Commands, Ran, commands
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.simulator.conftest import until
from tests.worker.test_submissions import PRICE, created

Types = Callable[..., Awaitable[Ran]]


#: Nobody listens there.
CLOSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands")) as ready:
        yield ready


@pytest.fixture
async def gate(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(database_url, tmp_path, webhook_internal_origins=(CLOSED,)) as running:
        yield running


@pytest.fixture
def types(gate: Gateway, loaded: Commands, tmp_path: Path) -> Types:
    """Runs a command beside the gateway, on its database and archive."""
    settings = {
        "DATABASE_URL": gate.rt.db.address,
        "REELGATE_DATA_DIR": str(tmp_path),
        "REELGATE_SIMULATOR_URL": str(gate.simulator.http.base_url),
    }

    async def typed(*words: str) -> Ran:
        return await asyncio.to_thread(
            loaded.run, "--as", "grace", *words, settings=settings, folder=tmp_path
        )

    return typed


async def test_the_story_of_a_video(gate: Gateway, types: Types) -> None:
    key = await gate.member()
    generation_id = UUID(await created(gate, key, "a wave \x1b[31m"))
    archived = await gate.archived(str(generation_id))
    assert archived.asset is not None
    assert archived.asset.path is not None
    for form in (str(generation_id), generation_id.hex, video_id(generation_id)):
        ran = await types("generation", "show", form, "--json")
        assert ran.code == 0, ran.err
        story = json.loads(ran.out)
        assert story["id"] == str(generation_id)
    assert (story["team"], story["member"], story["dialect"]) == (TEAM, "ada", "onemin")
    assert story["key_prefix"] == key[: len(story["key_prefix"])] != key
    assert story["spec"]["model"] == "ray-v3"
    assert (story["state"], story["attempts"], story["upstream_key"]) == ("succeeded", 1, "main")
    (sent,) = (await gate.simulator.summary())["submissions"]
    assert story["upstream_id"] == sent["uuid"]
    assert [(e["kind"], e["held"], e["settled"]) for e in story["ledger"]] == [
        ("hold", PRICE, 0), ("settle", -PRICE, PRICE),
    ]  # fmt: skip
    assert [e["type"] for e in story["events"]] == [
        *(f"generation.{state}" for state in ("queued", "submitting", "running", "succeeded")),
        "video.archived",
    ]
    video = story["files"][0]
    assert (video["kind"], video["state"], video["path"], video["sha256"]) == (
        "video", "archived", archived.asset.path, archived.asset.sha256,
    )  # fmt: skip
    ran = await types("generation", "show", str(generation_id))
    assert ran.code == 0, ran.err
    for shown in (str(generation_id), "ledger:", "settle", "events:", "generation.running",
                  "files:", archived.asset.path):  # fmt: skip
        assert shown in ran.out
    for hidden in (key, "\x1b"):
        assert hidden not in ran.out + json.dumps(story)


async def test_the_story_of_a_lost_answer_and_of_who_resolved_it(
    gate: Gateway, types: Types
) -> None:
    await gate.simulator.fault("reset_after")
    key = await gate.member()
    made = await gate.http.post(
        "/v1/videos",
        json={
            "prompt": "a wave",
            "callback_url": f"{CLOSED}/hook?pass=canary",
            "user": "alice",
            "metadata": {"cost_centre": "4711"},
        },
        headers={"API-KEY": key},
    )
    generation_id = str(parse_generation_id(made.json()["id"]))
    await gate.closed(generation_id)
    ran = await types("unknown", "list")
    assert ran.code == 0, ran.err
    head, line, *legend = ran.out.splitlines()
    for column in ("why", "unknown since", "team/member", "key", "set aside"):
        assert column in head
    for cell in (generation_id, "reset", f"{TEAM}/ada", str(PRICE)):
        assert cell in line
    for hidden in (key, "canary"):
        assert hidden not in ran.out
    assert {row.split()[0] for row in legend if row} == {"resolved", *(o.value for o in Outcome)}

    ran = await types(
        "unknown", "resolve", video_id(UUID(generation_id)), "not_made", "--reason", "asked"
    )
    assert ran.code == 0, ran.err
    assert f"{PRICE} credits are released" in ran.out
    assert "There is no video." in ran.out
    ran = await types("generation", "show", generation_id, "--json")
    assert "canary" not in ran.out
    story = json.loads(ran.out)
    assert [e["kind"] for e in story["ledger"]] == ["hold", "release"]
    (delivery,) = story["deliveries"]
    assert (delivery["event"], delivery["endpoint_id"]) == ("video.failed", None)
    assert (story["callback_url"], story["user"]) == (f"{CLOSED}/hook", "alice")
    assert story["metadata"] == {"cost_centre": "4711"}
    unknown = [e["data"]["reason"] for e in story["events"] if e["type"] == "generation.unknown"]
    assert unknown == ["reset"]
    (line,) = story["audit"]
    assert (line["actor"], line["action"]) == ("cli:grace", "unknown.resolve")
    assert line["detail"] == {"outcome": "not_made", "reason": "asked"}


async def test_the_story_of_a_webhook_that_nobody_takes(gate: Gateway, types: Types) -> None:
    made = await gate.http.post(
        "/v1/videos",
        json={"prompt": "a wave", "callback_url": f"{CLOSED}/hook?pass=canary"},
        headers={"API-KEY": await gate.member()},
    )
    generation_id = parse_generation_id(made.json()["id"])
    assert generation_id is not None

    async def attempted() -> bool:
        async with gate.rt.db.single() as tx:
            found = await gate.generation(generation_id)
            return any(d.attempts for d in await webhook_deliveries.of_generation(tx, found))

    await until(attempted)
    ran = await types("generation", "show", str(generation_id), "--json")
    story = json.loads(ran.out)
    (delivery,) = story["deliveries"]
    attempt = story["delivery_attempts"][0]
    assert (attempt["delivery"], attempt["number"]) == (delivery["id"], 1)
    assert (attempt["status"], attempt["error"]) == (None, "The host could not be reached.")
    ran = await types("generation", "show", str(generation_id))
    assert "delivery attempts:" in ran.out
    assert "could not be reached" in ran.out
    assert "canary" not in ran.out + json.dumps(story)


async def test_the_upstreams_words_are_pointed_to_and_not_shown(
    gate: Gateway, types: Types
) -> None:
    await gate.simulator.fault("failed_200")
    uuid = await created(gate, await gate.member())
    await gate.closed(uuid)
    async with gate.rt.db.single() as tx:
        kept = await upstream_answers.find(tx, UUID(uuid))
    assert kept is not None
    assert kept.answer is not None
    ran = await types("generation", "show", uuid)
    assert ran.code == 0, ran.err
    assert f"reelgate upstream answer {uuid}" in ran.out
    assert kept.answer not in ran.out
    ran = await types("upstream", "answer", video_id(UUID(uuid)))
    assert kept.answer in ran.out


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.FOUND, Outcome.DELIVERED])
async def test_resolve_says_what_it_did(
    gate: Gateway, types: Types, tmp_path: Path, outcome: Outcome
) -> None:
    key = await gate.member()
    uuid = await unknown_one(gate, key)
    more: tuple[str, ...] = ()
    if outcome is Outcome.FOUND:
        (sent,) = (await gate.simulator.summary())["submissions"]
        more = ("--upstream-id", sent["uuid"])
    elif outcome is Outcome.DELIVERED:
        _, film = await film_of(gate, key)
        (tmp_path / "found.mp4").write_bytes(film)
        more = ("--file", "found.mp4")
    ran = await types("unknown", "resolve", uuid, outcome.value, "--reason", "seen", *more)
    assert ran.code == 0, ran.err
    ends = {
        Outcome.LOST: f"has failed: {PRICE} credits are settled. There is no video.",
        Outcome.FOUND: f"stays unknown, with its {PRICE} credits set aside, until the upstream has "
        "been asked; its answer ends it.",
        Outcome.DELIVERED: f"has succeeded: {PRICE} credits are settled. Its video is archived.",
    }
    assert ran.out == f"Generation {uuid} {ends[outcome]}\n"


async def test_what_is_used_and_what_is_set_aside_are_two_columns(
    gate: Gateway, types: Types
) -> None:
    key = await gate.member(credit_limit=9 * PRICE)
    await gate.archived(await created(gate, key, "a lake"))
    for _ in range(2):
        await unknown_one(gate, key)
    for command in ("member list", "team list"):
        ran = await types(*command.split())
        assert ran.code == 0, ran.err
        head, *lines = ran.out.splitlines()
        (line,) = (line for line in lines if TEAM in line)
        begins, ends = head.index("used"), head.index("set aside") + len("set aside")
        assert line[begins:ends].split() == [str(PRICE), str(2 * PRICE)], command
    ran = await types("member", "limit", "ada", "--team", TEAM, "--max-open", "3")
    assert f"({PRICE} used, {2 * PRICE} set aside)" in ran.out


async def test_what_is_no_id_is_refused_and_what_is_not_there_is_not_found(
    gate: Gateway, types: Types
) -> None:
    ran = await types("generation", "show", "video_1")
    assert ran.code == 2
    assert "'video_1'" in ran.err
    nobody = "00000000-0000-4000-8000-000000000000"
    ran = await types("generation", "show", nobody)
    assert (ran.code, ran.err) == (1, f"reelgate: There is no generation {nobody}.\n")


async def test_upstream_keys_show_what_is_left_to_them(gate: Gateway, types: Types) -> None:
    await gate.closed(await created(gate, await gate.member(), "a lake"))
    head, line = (await types("upstream", "list")).out.splitlines()
    begins, ends = head.index("credits left"), head.index("days left")
    assert 10**8 - 2 * PRICE <= int(line[begins:ends]) <= 10**8
    head, *lines = (await types("upstream", "credits", "main")).out.splitlines()
    assert "unexplained" in head
    assert str(10**8) in lines[0]
    ran = await types("upstream", "pause", "none", "--reason", "odd")
    assert (ran.code, ran.err) == (1, "reelgate: There is no upstream key none.\n")


async def test_it_is_found_while_it_waits(gate: Gateway, types: Types) -> None:
    await gate.stop_workers()
    uuid = await created(gate, await gate.member())
    ran = await types("generation", "show", uuid, "--json")
    assert ran.code == 0, ran.err
    story = json.loads(ran.out)
    assert (story["state"], story["upstream_key"], story["upstream_id"]) == ("queued", None, None)
    assert [(e["kind"], e["held"]) for e in story["ledger"]] == [("hold", PRICE)]
