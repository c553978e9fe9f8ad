"""Submissions in both modes, and every refusal that no fault rule causes."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.simulator.app import create_simulator
from app.simulator.config import CANARIES, PAYER_NAME, SimulatorConfig
from app.simulator.server import uvicorn_config
from tests.simulator.conftest import PROMPT, Client, WallClock, body

RECORD_FIELDS = [
    "uuid", "userId", "teamId", "teamUser", "model", "type", "metadata", "rating", "feedback",
    "conversationId", "status", "createdAt", "aiRecordDetail", "additionalData",
]  # fmt: skip


async def test_async_answers_at_once(still: Client, clock: WallClock) -> None:
    record = await still.submit()
    assert list(record) == RECORD_FIELDS
    assert record["status"] == "PROCESSING"
    assert record["createdAt"] == "2025-11-26T08:29:05.973Z"
    assert record["aiRecordDetail"]["resultObject"] == []
    assert list(record["aiRecordDetail"]["promptObject"]) == [
        "loop", "prompt", "duration", "modelName", "resolution", "aspectRatio",
    ]  # fmt: skip
    clock.at += 10  # a seven-minute render, sixty times faster
    done = await still.result(record["uuid"])
    assert list(done) == [*RECORD_FIELDS, "temporaryUrl"]
    assert done["status"] == "SUCCESS"
    [path] = done["aiRecordDetail"]["resultObject"]
    assert path.startswith("development/videos/2025_11_26_08_29_1")
    assert path in done["temporaryUrl"]


async def test_async_answers_processing_even_if_the_render_is_over(tmp_path: Path) -> None:
    moments = itertools.count(1_764_145_745.0, 60.0)
    config = SimulatorConfig(data_dir=tmp_path, speed=60)
    # Each call of `now` adds a minute, so every render is over before its answer is made.
    app = create_simulator(config, now=lambda: next(moments))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://simulator", headers={"API-KEY": "k"}
    ) as http:
        client = Client(http)
        record = await client.submit()
        assert record["status"] == "PROCESSING"
        assert (await client.result(record["uuid"]))["status"] == "SUCCESS"
    app.state.simulator.close()


async def test_held_answers_when_the_video_exists(live: Client) -> None:
    record = await live.submit(held=True)
    assert list(record) == [*RECORD_FIELDS, "temporaryUrl"]
    assert record["status"] == "SUCCESS"
    film = await live.http.get(record["temporaryUrl"])
    assert film.content[4:12] == b"ftypisom"
    assert film.headers["server"] == "reelgate-simulator"


async def test_every_answer_names_the_simulator(still: Client) -> None:
    for answer in (
        await still.post(),
        await still.http.get("/nowhere"),
        await still.http.get("/api/features"),
        await still.http.get("/_simulator/summary"),
    ):
        assert answer.headers.get_list("server") == ["reelgate-simulator"]


async def test_an_answer_shows_the_account(still: Client) -> None:
    record = await still.submit()
    assert record["teamUser"]["userName"] == PAYER_NAME
    assert record["teamUser"]["userId"] == record["userId"]
    assert record["teamUser"]["creditLimit"] == 100_000_000
    assert any(canary in json.dumps(record) for canary in CANARIES)


async def test_used_credit_lags_by_one_request(still: Client) -> None:
    shown = [(await still.submit())["teamUser"]["usedCredit"] for _ in range(3)]
    assert shown == [0, 150_000, 300_000]
    record = await still.submit()
    assert (await still.result(record["uuid"]))["teamUser"]["usedCredit"] == 600_000


async def test_results_are_private_to_the_key(still: Client) -> None:
    record = await still.submit()
    assert await still.result(str(UUID(int=0))) is None
    assert await still.result("not-a-uuid") is None
    other = await still.http.get(f"/api/results/{record['uuid']}", headers={"API-KEY": "other"})
    assert other.status_code == 200
    assert other.json() == {"aiRecord": None}


@pytest.mark.parametrize("headers", [{}, {"API-KEY": ""}, {"Authorization": "Bearer some-key"}])
async def test_a_missing_key_is_refused(still: Client, headers: dict[str, str]) -> None:
    del still.http.headers["API-KEY"]
    for answer in (
        await still.http.post("/api/features", json=body(), headers=headers),
        await still.http.get(f"/api/results/{UUID(int=1)}", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.json()["errorCode"] == "HTTP_EXCEPTION"


async def test_only_configured_keys_are_accepted(tmp_path: Path) -> None:
    app = create_simulator(SimulatorConfig(data_dir=tmp_path, keys=frozenset({"good"})))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://simulator"
    ) as http:
        good = await http.post("/api/features", json=body(), headers={"API-KEY": "good"})
        bad = await http.post("/api/features", json=body(), headers={"API-KEY": "bad"})
    app.state.simulator.close()
    assert (good.status_code, bad.status_code) == (200, 401)


async def test_missing_fields_come_as_json_in_a_string(still: Client) -> None:
    asked = body(held=True)
    del asked["model"], asked["type"]
    answer = await still.http.post("/api/features", json=asked)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "MISSING_REQUIRED_FIELDS"
    details = json.loads(answer.json()["details"])
    assert [each["field"] for each in details] == ["type", "model"]
    assert all(each["message"] for each in details)


@pytest.mark.parametrize("name", ["prompt", "modelName", "duration"])
async def test_required_prompt_fields(still: Client, name: str) -> None:
    asked = body()
    asked["promptObject"][name] = ""
    answer = await still.http.post("/api/features", json=asked)
    assert answer.json()["errorCode"] == "MISSING_REQUIRED_FIELDS"
    assert json.loads(answer.json()["details"])[0]["field"] == f"promptObject.{name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("modelName", "ray-v9"),
        ("duration", "6s"),
        ("duration", 5),
        ("aspectRatio", "2:1"),
        ("resolution", ["720p"]),
        ("loop", "false"),
        ("prompt", 7),
    ],
)
async def test_wrong_values(still: Client, name: str, value: Any) -> None:
    asked = body()
    asked["promptObject"][name] = value
    answer = await still.http.post("/api/features", json=asked)
    assert answer.status_code == 422
    assert answer.json()["errorCode"] == "PROMPT_OBJECT_VALIDATION_FAILED"
    assert json.loads(answer.json()["details"])[0]["field"] == f"promptObject.{name}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": "runway"}, "UNSUPPORTED_MODEL"),
        ({"type": "MIND_READER"}, "UNKNOWN_ERROR"),
        ({"promptObject": ["a lion"]}, "REQUEST_BODY_VALIDATION_FAILED"),
    ],
)
async def test_other_refusals(still: Client, change: dict[str, Any], code: str) -> None:
    answer = await still.http.post("/api/features", json={**body(), **change})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"type": NaN}', b"[" * 100_000, b"\xff"])
async def test_a_body_that_is_not_a_json_object_is_refused(still: Client, raw: bytes) -> None:
    answer = await still.http.post("/api/features", content=raw)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "REQUEST_BODY_VALIDATION_FAILED"


async def test_unknown_fields_are_ignored_silently(still: Client) -> None:
    record = await still.submit(negativePrompt="rain", seed=7)
    assert set(record["aiRecordDetail"]["promptObject"]) == set(body()["promptObject"])


async def test_only_true_means_async(live: Client) -> None:
    answer = await live.http.post("/api/features", json={**body(), "async": "true"})
    assert answer.json()["aiRecord"]["status"] == "SUCCESS"


@pytest.mark.parametrize("prompt", ["ein Löwe 🦁 在日落", "nul \x00 and \u2028", 'quote " <b>'])
async def test_any_prompt_comes_back_unchanged(still: Client, prompt: str) -> None:
    record = await still.submit(prompt)
    assert (await still.result(record["uuid"]))["aiRecordDetail"]["promptObject"][
        "prompt"
    ] == prompt
    assert (await still.summary())["submissions"][0]["prompt"] == prompt


async def test_a_lone_surrogate_is_accepted(still: Client) -> None:
    raw = json.dumps(body("half \ud83e a lion")).encode()
    answer = await still.http.post("/api/features", content=raw)
    assert (
        answer.json()["aiRecord"]["aiRecordDetail"]["promptObject"]["prompt"]
        == "half \ud83e a lion"
    )
    assert (await still.summary())["submissions"][0]["prompt"] == "half ? a lion"


async def test_credits_run_out(still: Client) -> None:
    await still.http.post("/_simulator/account", json={"credit_limit": 300_000})
    assert [(await still.post()).status_code for _ in range(3)] == [200, 200, 402]
    refused = (await still.post()).json()
    assert refused["errorCode"] == "INSUFFICIENT_CREDITS"
    assert "requires 150000 credits" in refused["message"]
    assert "only has 0 credits" in refused["message"]
    assert (await still.summary())["billed_credits"] == 300_000


async def test_the_rate_is_limited_per_key(tmp_path: Path, clock: WallClock) -> None:
    app = create_simulator(SimulatorConfig(data_dir=tmp_path, rate_per_minute=3), now=clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as http:

        async def look(key: str) -> httpx.Response:
            return await http.get(f"/api/results/{UUID(int=1)}", headers={"API-KEY": key})

        assert [(await look("one")).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert (await look("two")).status_code == 200
        clock.at += 61
        assert (await look("one")).status_code == 200
    app.state.simulator.close()


async def test_omitted_options_stay_omitted(still: Client, clock: WallClock) -> None:
    asked = {"prompt": PROMPT, "modelName": "ray-v2", "duration": "10s"}
    request = {**body(), "promptObject": asked}
    record = (await still.http.post("/api/features", json=request)).json()["aiRecord"]
    assert record["aiRecordDetail"]["promptObject"] == asked
    assert record["status"] == "PROCESSING"


def test_creating_a_simulator_touches_no_disk(tmp_path: Path) -> None:
    create_simulator(SimulatorConfig(data_dir=tmp_path / "new"))
    assert list(tmp_path.iterdir()) == []


async def test_control_can_be_disabled(tmp_path: Path) -> None:
    app = create_simulator(SimulatorConfig(data_dir=tmp_path, control=False))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as http:
        assert (await http.get("/_simulator/summary")).status_code == 404
        assert (await http.post("/_simulator/rules", json={})).status_code == 404


async def test_concurrent_submissions_cannot_overdraw(live: Client) -> None:
    await live.http.post("/_simulator/account", json={"credit_limit": 450_000})
    answers = await asyncio.gather(*(live.post(f"lion {number}") for number in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [402] * 7
    assert (await live.summary())["billed_credits"] == 450_000


def test_clients_close_idle_connections_before_the_simulator_does(tmp_path: Path) -> None:
    """Otherwise a submission written while the simulator closes the connection would be lost."""
    app = create_simulator(SimulatorConfig(data_dir=tmp_path))
    kept = httpx.Limits().keepalive_expiry
    assert kept is not None
    assert uvicorn_config(app, "127.0.0.1", 0).timeout_keep_alive > kept


async def test_an_incomplete_request_is_ignored(
    live: Client, caplog: pytest.LogCaptureFixture
) -> None:
    url = live.http.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /api/features HTTP/1.1\r\nContent-Length: 100\r\nAPI-KEY: k\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await live.summary())["submissions"] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
