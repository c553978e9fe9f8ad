"""A caller that hangs up changes nothing: the video still arrives."""

from __future__ import annotations

import asyncio

from tests.harness.gateway import Gateway, body
from tests.harness.sockets import listening
from tests.harness.traces import one
from tests.simulator.conftest import until


async def test_the_video_arrives_although_its_caller_hung_up(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with listening(still_gate) as http:
        headers = {"API-KEY": key, "Idempotency-Key": "order-1"}
        creating = asyncio.create_task(http.post("/api/features", json=body(), headers=headers))

        async def waits() -> bool:
            return still_gate.rt.watch.waiting == 1

        async def nobody_waits() -> bool:
            return still_gate.rt.watch.waiting == 0

        await until(waits)
        creating.cancel()
        await asyncio.gather(creating, return_exceptions=True)
        await until(nobody_waits)
        row = await one(still_gate, "SELECT id, state FROM generations")
        assert row["state"] == "queued"

        still_gate.start_worker()
        await still_gate.archived(str(row["id"]))
        again = await http.post("/api/features", json=body(), headers=headers)
        record = again.json()["aiRecord"]
        assert (record["uuid"], record["status"]) == (str(row["id"]), "SUCCESS")
        assert (await still_gate.simulator.summary())["requests"]["features"] == 1


async def test_a_body_that_ends_early_makes_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with listening(still_gate) as http:
        reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        writer.write(
            b"POST /api/features HTTP/1.1\r\nHost: gateway\r\nContent-Length: 500\r\n"
            b"API-KEY: " + key.encode() + b"\r\n\r\n" + b'{"type": "TEXT_TO_VIDEO", '
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""
        # The connection is gone for the server too once another has been answered.
        assert (await http.get("/livez")).status_code == 200
    row = await one(still_gate, "SELECT count(*) AS made FROM generations")
    assert row["made"] == 0
