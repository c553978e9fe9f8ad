"""A create that waits, all the way to a file in the archive."""

from __future__ import annotations

import hashlib

from app.simulator.config import CANARIES
from tests.harness.gateway import UPSTREAM_KEY, Gateway, body


async def test_the_seeds_request_returns_the_whole_record_and_a_playable_video(
    gate: Gateway,
) -> None:
    key = await gate.member(credit_limit=1_000_000)
    answer = await gate.http.post("/api/features", json=body(), headers={"API-KEY": key})
    assert answer.status_code == 200, answer.text
    record = answer.json()["aiRecord"]
    assert record["status"] == "SUCCESS"
    assert record["teamUser"]["userName"] == "ada"
    assert record["teamUser"]["usedCredit"] == 150_000
    assert record["aiRecordDetail"]["promptObject"] == body()["promptObject"]
    assert record["aiRecordDetail"]["resultObject"][0].endswith(".mp4")
    video = await gate.http.get(record["temporaryUrl"])
    assert video.status_code == 200
    assert video.content[4:8] == b"ftyp"

    generation = await gate.archived(record["uuid"])
    assert generation.asset is not None
    assert generation.asset.sha256 == hashlib.sha256(video.content).hexdigest()
    assert (generation.asset.width, generation.asset.height) == (1280, 720)
    assert generation.asset.mismatch is None
    again = await gate.http.get(record["temporaryUrl"], headers={"Range": "bytes=4-7"})
    assert (again.status_code, again.content) == (206, b"ftyp")


async def test_nothing_of_the_paying_account_reaches_the_caller(gate: Gateway) -> None:
    key = await gate.member()
    answer = await gate.http.post("/api/features", json=body(), headers={"API-KEY": key})
    for canary in (*CANARIES, UPSTREAM_KEY, "X-Amz"):
        assert canary not in answer.text
        assert canary not in str(answer.headers)


async def test_the_ledger_and_the_upstreams_books_agree(gate: Gateway) -> None:
    key = await gate.member()
    for number in range(3):
        answer = await gate.http.post(
            "/api/features", json=body(f"wave {number}"), headers={"API-KEY": key}
        )
        assert answer.json()["aiRecord"]["status"] == "SUCCESS"
    books = await gate.simulator.summary()
    assert books["billed_credits"] == 450_000
    me = await gate.http.get("/api/v1/me", headers={"API-KEY": key})
    assert me.json()["credits"]["binding"]["used_credits"] == 450_000
