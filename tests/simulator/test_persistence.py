"""Records and requests survive disconnects, restarts and kills."""

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

class AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

config = SimulatorConfig(data_dir=Path(sys.argv[1]), speed=float(sys.argv[2]))
AnnouncingServer(uvicorn_config(create_simulator(config), "127.0.0.1", 0, log_level="error")).run()
"""


async def has_records(client: Client, count: int) -> bool:
    return bool((await client.summary())["records"] == count)


async def is_ready(client: Client, uuid: str) -> bool:
    return bool((await client.result(uuid))["status"] == "SUCCESS")


async def test_the_summary_adds_up(still: Client) -> None:
    for prompt in ("one", "two", "two"):
        await still.submit(prompt)
    await still.fault("http_502", {"prompt_contains": "two"})
    await still.post("two")
    await still.post("three", duration="7s")
    await still.fault("failed_200")
    await still.post("four")
    summary = await still.summary()
    assert summary["prompts"] == {
        "one": {"submitted": 1, "made": 1, "billed": 150_000},
        "two": {"submitted": 3, "made": 2, "billed": 300_000},
        "three": {"submitted": 1, "made": 0, "billed": 0},
        "four": {"submitted": 1, "made": 1, "billed": 0},
    }
    assert summary["billed_credits"] == sum(each["billed"] for each in summary["submissions"])
    assert summary["records"] == sum(each["uuid"] is not None for each in summary["submissions"])
    assert summary["requests"] == {"features": 6, "results": 0, "download": 0, "assets": 0}
    assert summary["outcomes"]["features"]["refused:PROMPT_OBJECT_VALIDATION_FAILED"] == 1


async def test_the_key_is_stored_as_a_fingerprint_only(
    still: Client, clock: WallClock, tmp_path: Path
) -> None:
    record = await still.submit("a lion")
    [submission] = (await still.summary())["submissions"]
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


async def test_a_submission_is_billed_even_if_its_client_hangs_up(tmp_path: Path) -> None:
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=4_000)) as client:
        held = asyncio.create_task(client.post(held=True))
        await until(lambda: has_records(client, 1))
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        [submission] = (await client.summary())["submissions"]
        assert submission["billed"] == 150_000
        await until(lambda: is_ready(client, submission["uuid"]))
        record = await client.result(submission["uuid"])
        assert (await client.http.head(record["temporaryUrl"])).status_code == 200


async def test_a_stop_disconnects_waiting_clients_and_keeps_their_records(tmp_path: Path) -> None:
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=1)) as client:
        held = asyncio.create_task(client.post(held=True))
        await until(lambda: has_records(client, 1))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await held
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=1)) as client:
        [submission] = (await client.summary())["submissions"]
        assert (await client.result(submission["uuid"]))["status"] == "PROCESSING"


async def start(folder: Path, speed: float) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(folder), str(speed), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    return process, f"http://127.0.0.1:{port}"


async def test_nothing_is_lost_by_a_kill(tmp_path: Path) -> None:
    """Killed while a client waits and a render is running; afterwards every record is there, and an
    old link still serves its video."""
    process, address = await start(tmp_path, speed=1)
    async with httpx.AsyncClient(
        base_url=address, headers={"API-KEY": KEY}, timeout=120, trust_env=False
    ) as http:
        client = Client(http)
        await client.fault("early_success")
        ready = await client.submit("ready")
        making = await client.submit("making")
        held = asyncio.create_task(client.post("held", held=True))
        await until(lambda: has_records(client, 3))
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await held
    # At real speed no waiting client can get its answer before the kill; an hour later all is done.
    later = time.time() + 3600
    async with serving(SimulatorConfig(data_dir=tmp_path), now=lambda: later) as client:
        summary = await client.summary()
        assert [each["prompt"] for each in summary["submissions"]] == ["ready", "making", "held"]
        assert summary["billed_credits"] == 450_000
        old = ready["temporaryUrl"].removeprefix(address)
        assert (await client.http.get(old)).content[4:12] == b"ftypisom"
        assert making["uuid"] == summary["submissions"][1]["uuid"]
        for each in summary["submissions"]:
            assert await is_ready(client, each["uuid"])
        assert (await client.submit("next"))["teamUser"]["usedCredit"] == 450_000
