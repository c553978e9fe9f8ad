"""What a key leaves behind when it is revoked, and when others have it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import WebhookVerificationError

from app.domain.caller import Role
from app.errors import Unauthenticated
from app.members import keys
from app.webhooks import endpoints
from tests.generations.test_admission import caller_of
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.webhooks.receiving import Receiver, call, endpoint, verified
from tests.webhooks.test_callbacks import asked, secret_of

URL = "https://hooks.example/reelgate"


async def another_key(gate: Gateway) -> str:
    return (await keys.create_key(gate.rt, TEAM, "ada", name="another", actor=TESTER)).secret


async def enabled(gate: Gateway, key: str) -> dict[str, bool]:
    listed = await call(gate, key, "GET", "/endpoints")
    return {each["id"]: each["enabled"] for each in listed["data"]}


async def test_a_compromised_key_takes_along_what_it_set_up(still_gate: Gateway) -> None:
    """What it created, redirected, or whose secret it saw; for the member or the team."""
    stolen = await still_gate.member(role=Role.ADMIN)
    kept = await another_key(still_gate)
    made = (await endpoint(still_gate, stolen, URL))["id"]
    wide = (await endpoint(still_gate, stolen, URL, team_wide=True))["id"]
    moved = (await endpoint(still_gate, kept, URL))["id"]
    await call(still_gate, stolen, "PATCH", f"/endpoints/{moved}", json={"url": URL + "/2"})
    seen = (await endpoint(still_gate, kept, URL))["id"]
    await call(still_gate, stolen, "POST", f"/endpoints/{seen}/rotate")
    named = (await endpoint(still_gate, kept, URL))["id"]
    await call(still_gate, stolen, "PATCH", f"/endpoints/{named}", json={"description": "x"})
    taken_back = (await endpoint(still_gate, stolen, URL))["id"]
    await call(still_gate, kept, "PATCH", f"/endpoints/{taken_back}", json={"url": URL + "/3"})
    before = await secret_of(still_gate, kept)
    revoked = await keys.revoke_key(still_gate.rt, stolen, compromised=True, actor=TESTER)
    assert {str(one) for one in revoked.endpoints} == {made, wide, moved, seen}
    assert await enabled(still_gate, kept) == {
        made: False, wide: False, moved: False, seen: False, named: True, taken_back: True,
    }  # fmt: skip
    assert await secret_of(still_gate, kept) != before
    async with still_gate.rt.db.single() as tx:
        detail = await tx.scalar(text("SELECT detail FROM audit_log WHERE action = 'key.revoke'"))
    assert (detail["compromised"], set(detail["disabled"])) == (True, {made, wide, moved, seen})


async def test_another_revocation_leaves_all_as_it_is(still_gate: Gateway) -> None:
    gone = await still_gate.member()
    kept = await another_key(still_gate)
    made = (await endpoint(still_gate, gone, URL))["id"]
    before = await secret_of(still_gate, kept)
    revoked = await keys.revoke_key(still_gate.rt, gone, actor=TESTER)
    assert [str(one) for one in revoked.endpoints] == [made]
    assert await enabled(still_gate, kept) == {made: True}
    assert await secret_of(still_gate, kept) == before


async def test_what_it_admitted_is_made_and_told(webhook_gate: Gateway, receiver: Receiver) -> None:
    """Its callback is called with the member's secret, its endpoint with its own."""
    gone = await webhook_gate.member()
    kept = await another_key(webhook_gate)
    secret = (await endpoint(webhook_gate, gone, receiver.url))["secret"]
    await webhook_gate.stop_workers()
    made = await asked(
        webhook_gate, gone, "/v1/videos", {"prompt": "a lion", "callback_url": receiver.url}
    )
    await keys.revoke_key(webhook_gate.rt, gone, actor=TESTER)
    webhook_gate.start_worker()
    requests = await receiver.until(2)
    callback = await secret_of(webhook_gate, kept)
    for expected in (secret, callback):
        (signed,) = [request for request in requests if _signs(request, expected)]
        assert made["id"] in str(signed.body) or b"completed" in signed.body
    found = await webhook_gate.http.get(
        f"/v1/videos/{made['id']}", headers={"Authorization": f"Bearer {kept}"}
    )
    assert found.json()["status"] == "completed"


def _signs(request: Any, secret: str) -> bool:
    try:
        verified(request, secret)
    except WebhookVerificationError:
        return False
    return True


async def test_both_callback_secrets_sign_while_they_overlap(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    old = await secret_of(webhook_gate, key)
    rotated = await call(webhook_gate, key, "POST", "/callback-secret/rotate")
    new = rotated["secret"]
    assert new == await secret_of(webhook_gate, key) != old
    await asked(webhook_gate, key, "/v1/videos", {"prompt": "a", "callback_url": receiver.url})
    (request,) = await receiver.until(1)
    verified(request, old, new)
    newest = (
        await call(
            webhook_gate, key, "POST", "/callback-secret/rotate", json={"overlap_seconds": 0}
        )
    )["secret"]
    await asked(webhook_gate, key, "/v1/videos", {"prompt": "b", "callback_url": receiver.url})
    (_, request) = await receiver.until(2)
    assert [_signs(request, each) for each in (old, new, newest)] == [False, False, True]


async def test_a_revoked_key_sets_nothing_up(still_gate: Gateway) -> None:
    """Also not in a request that was let in before."""
    key = await still_gate.member()
    kept = await another_key(still_gate)
    caller = await caller_of(still_gate, key)
    before = await secret_of(still_gate, kept)
    await keys.revoke_key(still_gate.rt, key, compromised=True, actor=TESTER)
    after = await secret_of(still_gate, kept)
    with pytest.raises(Unauthenticated):
        await endpoints.rotate_callback_secret(still_gate.rt, caller, overlap_seconds=0)
    made = (await endpoint(still_gate, kept, URL))["id"]
    with pytest.raises(Unauthenticated):
        await endpoints.change(still_gate.rt, caller, made, {"url": URL + "/2"})
    with pytest.raises(Unauthenticated):
        await endpoints.rotate(still_gate.rt, caller, made, overlap_seconds=0)
    assert before != after == await secret_of(still_gate, kept)
    assert (await call(still_gate, kept, "GET", f"/endpoints/{made}"))["url"] == URL
