"""A restored database lies in another server, which counts its transactions anew."""

from __future__ import annotations

from sqlalchemy import text

from app.operators import restore
from tests.harness.gateway import Gateway
from tests.live.streams import serving
from tests.live.test_streams import made, types


async def test_after_a_restore_what_is_new_is_told_behind_what_is_old(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member(max_open=10)
    await made(still_gate, key)
    async with still_gate.rt.db.begin() as tx:
        # As the other server had counted.
        await tx.execute(text("UPDATE events SET txid = txid + 1000000000000"))
        seen = await tx.scalar(text("SELECT max(id) FROM events"))
    await restore.mark_unsent_unknown(still_gate.rt, actor="test")
    new = await made(still_gate, key)
    async with (
        serving(still_gate.rt) as client,
        client.stream("/api/v1/events", key, Last_Event_ID=str(seen)) as stream,
    ):
        sent = await stream.events(3)
        assert types(sent) == [
            "generation.submitting", "generation.unknown", "generation.queued",
        ]  # fmt: skip
        assert sent[-1].data["generation"]["id"] == new
        later = await made(still_gate, key)
        (last,) = await stream.events(1)
        assert last.data["generation"]["id"] == later
