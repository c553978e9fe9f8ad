"""What is written down stays written down."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.simulator.accounts import fingerprint
from app.simulator.config import SimulatorConfig
from tests.simulator.conftest import KEY, Client, WallClock, serving, until

SERVE = """
import sys, uvicorn
from pathlib import Path
from app.simulator.app import create_simulator
from app.simulator.config import SimulatorConfig
from app.simulator.server import uvicorn_config

class Announcing(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

config = SimulatorConfig(data_dir=Path(sys.argv[1]), speed=float(sys.argv[2]))
Announcing(uvicorn_config(create_simulator(config), "127.0.0.1", 0, log_level="error")).run()
"""


async def has_made(client: Client, count: int) -> bool:
    return bool((await client.books())["records"] == count)


async def is_ready(client: Client, uuid: str) -> bool:
    return bool((await client.result(uuid))["status"] == "SUCCESS")


async def test_books_add_up(still: Client) -> None:
    for prompt in ("one", "two", "two"):
        await still.submit(prompt)
    await still.fault("http_502", {"prompt_contains": "two"})
    await still.post("two")
    await still.post("three", duration="7s")
    await still.fault("failed_200")
    await still.post("four")
    books = await still.books()
    assert books["prompts"] == {
        "one": {"asked": 1, "made": 1, "billed": 150_000},
        "two": {"asked": 3, "made": 2, "billed": 300_000},
        "three": {"asked": 1, "made": 0, "billed": 0},
        "four": {"asked": 1, "made": 1, "billed": 0},
    }
    assert books["billed_credits"] == sum(each["billed"] for each in books["submissions"])
    assert books["records"] == sum(each["uuid"] is not None for each in books["submissions"])
    assert books["requests"] == {"features": 6, "results": 0, "download": 0}
    assert books["outcomes"]["features"]["refused:PROMPT_OBJECT_VALIDATION_FAILED"] == 1


async def test_a_submission_names_its_key_but_does_not_tell_it(
    still: Client, clock: WallClock, tmp_path: Path
) -> None:
    record = await still.submit("a lion")
    [submission] = (await still.books())["submissions"]
    assert submission == {
        "prompt": "a lion",
        "uuid": record["uuid"],
        "billed": 150_000,
        "at": clock.at,
        "outcome": "accepted",
        "key_fingerprint": fingerprint(KEY),
        "body_sha256": submission["body_sha256"],
    }
    assert len(submission["body_sha256"]) == 64
    files = await asyncio.to_thread(lambda: [path.read_bytes() for path in tmp_path.iterdir()])
    assert files
    assert not any(KEY.encode() in content for content in files)


async def test_a_client_that_hangs_up_still_pays(tmp_path: Path) -> None:
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=4_000)) as client:
        held = asyncio.create_task(client.post(held=True))
        await until(lambda: has_made(client, 1))
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        [submission] = (await client.books())["submissions"]
        assert submission["billed"] == 150_000
        await until(lambda: is_ready(client, submission["uuid"]))
        record = await client.result(submission["uuid"])
        assert (await client.http.head(record["temporaryUrl"])).status_code == 200


async def test_a_stop_drops_who_is_held(tmp_path: Path) -> None:
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=1)) as client:
        held = asyncio.create_task(client.post(held=True))
        await until(lambda: has_made(client, 1))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await held
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=1)) as client:
        [submission] = (await client.books())["submissions"]
        assert (await client.result(submission["uuid"]))["status"] == "PROCESSING"


async def start(folder: Path, speed: float) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(folder), str(speed), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    return process, f"http://127.0.0.1:{port}"


async def test_nothing_is_lost_when_it_is_killed(tmp_path: Path) -> None:
    """Killed with one client held and one record in the making; both are there afterwards, the
    finished one with its film, and the old link still opens it."""
    process, address = await start(tmp_path, speed=1)
    async with httpx.AsyncClient(
        base_url=address, headers={"API-KEY": KEY}, timeout=30, trust_env=False
    ) as http:
        client = Client(http)
        await client.fault("early_success")
        ready = await client.submit("ready")
        making = await client.submit("making")
        held = asyncio.create_task(client.post("held", held=True))
        await until(lambda: has_made(client, 3))
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await held
    # A render takes minutes, so that nobody held can be answered; these are over.
    later = time.time() + 3600
    async with serving(SimulatorConfig(data_dir=tmp_path), now=lambda: later) as client:
        books = await client.books()
        assert [each["prompt"] for each in books["submissions"]] == ["ready", "making", "held"]
        assert books["billed_credits"] == 450_000
        old = ready["temporaryUrl"].removeprefix(address)
        assert (await client.http.get(old)).content[4:12] == b"ftypisom"
        assert making["uuid"] == books["submissions"][1]["uuid"]
        for each in books["submissions"]:
            assert await is_ready(client, each["uuid"])
        assert (await client.submit("next"))["teamUser"]["usedCredit"] == 450_000
