"""What the database refuses, whoever writes it: rows whose columns do not agree."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.faults import Conflict
from app.domain.generation import State
from tests.harness.gateway import Gateway, body

_GENERATION = text(
    "SELECT generation_is_sound(:state, 150, CAST(:settled AS bigint), :upstream_id,"
    " CASE WHEN :finished THEN now() END)"
)
_ENDED = {State.SUCCEEDED, State.FAILED, State.CANCELED}


@pytest.mark.parametrize("state", State)
async def test_a_generation_has_an_end_in_a_closed_state_alone(
    still_gate: Gateway, state: State
) -> None:
    async with still_gate.rt.db.single() as tx:
        for finished in (True, False):
            values = {"state": state, "settled": None, "upstream_id": "x", "finished": finished}
            assert await tx.scalar(_GENERATION, values) is (finished == (state in _ENDED))


@pytest.mark.parametrize(
    "change",
    [
        "state = 'lost'",
        "quote = 0",
        "settled = -1",
        "settled = quote + 1",
        "state = 'running'",
        "state = 'succeeded'",
        "finished_at = now()",
    ],
)
async def test_a_generation_that_does_not_agree_is_refused(
    still_gate: Gateway, change: str
) -> None:
    ada = await still_gate.member("ada")
    assert (await still_gate.create(ada, body("one"))).status_code == 202
    with pytest.raises(Conflict, match="generations_sound_check"):
        async with still_gate.rt.db.begin() as tx:
            await tx.execute(text(f"UPDATE generations SET {change}"))


@pytest.mark.parametrize(
    "columns",
    [
        "'gift', 0, 1, NULL, NULL",
        "'hold', 0, 0, NULL, NULL",
        "'hold', 5, 5, NULL, NULL",
        "'settle', -5, 0, NULL, NULL",
        "'settle', -4, 5, NULL, NULL",
        "'release', 5, 0, NULL, NULL",
        "'release', -5, 1, NULL, NULL",
        "'correct', 1, 5, 'why', 'who'",
        "'correct', 0, 0, 'why', 'who'",
        "'correct', 0, 5, NULL, 'who'",
        "'correct', 0, 5, 'why', NULL",
        "'hold', 5, 0, 'why', NULL",
        "'hold', 5, 0, NULL, 'who'",
    ],
)
async def test_an_entry_that_does_not_agree_is_refused(still_gate: Gateway, columns: str) -> None:
    ada = await still_gate.member("ada")
    assert (await still_gate.create(ada, body("one"))).status_code == 202
    with pytest.raises(Conflict, match="ledger_entries_sound_check"):
        async with still_gate.rt.db.begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO ledger_entries (generation_id, team_id, member_id, api_key_id,"
                    " counts_at, kind, held, settled, reason, actor)"
                    f" SELECT id, team_id, member_id, api_key_id, now(), {columns}"
                    " FROM generations"
                )
            )


async def test_an_entry_needs_the_generation_team_member_and_key_that_it_names(
    still_gate: Gateway,
) -> None:
    """Generations name their team, member and key without a reference: that of the hold, which is
    made with them, is enough."""
    ada = await still_gate.member("ada")
    assert (await still_gate.create(ada, body("one"))).status_code == 202
    columns = ["generation_id", "team_id", "member_id", "api_key_id"]
    for unknown in columns:
        named = ", ".join("gen_random_uuid()" if c == unknown else c for c in columns)
        with pytest.raises(Conflict, match=f"ledger_entries_{unknown}_fkey"):
            async with still_gate.rt.db.begin() as tx:
                await tx.execute(
                    text(
                        f"INSERT INTO ledger_entries ({', '.join(columns)}, counts_at, kind, held,"
                        f" settled, reason, actor) SELECT {named}, counts_at, 'correct', 0, 5,"
                        " 'why', 'who' FROM ledger_entries"
                    )
                )
