"""No answer denies what was committed, whatever goes wrong between the commit and the reply."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi.routing import run_endpoint_function

from app.db import admission as decisions
from app.domain.caller import Role
from app.domain.ids import parse_generation_id
from app.errors import Unavailable
from app.generations import admission, queries
from app.http import creation
from app.webhooks import endpoints
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute, one
from tests.http.breaking import Breaker, breaking
from tests.http.creates import CREATES, Create
from tests.webhooks.receiving import endpoint, receiving, webhook_gateway

every = pytest.mark.parametrize("name", CREATES)
#: One of each dialect: the others differ before the commit only.
walked = pytest.mark.parametrize(
    "name", ["1min.ai", "own REST", "OpenAI", "Luma Dream Machine", "Luma Agents"]
)
ROOM: dict[str, Any] = {"rate_burst": 10_000, "max_open": 10_000, "credit_limit": 10**12}


@pytest.fixture
async def quick(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """Nothing is sent upstream, and a wait is over at once."""
    async with gateway(database_url, tmp_path, worker=False, wait_seconds=0.001) as running:
        yield running


def error_of(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    return found.get("error", found)  # type: ignore[no-any-return]


def named(answer: httpx.Response) -> UUID | None:
    """The generation that an error names."""
    error = error_of(answer)
    found = error.get("generation_id") or error.get("context", {}).get("uuid")
    return found and parse_generation_id(found)


def denies_nothing(answer: httpx.Response, create: Create, made: UUID, *, billed: Any) -> None:
    """The answer shows the generation, or is an error that names it."""
    if answer.is_success:
        assert create.uuid(answer) == made
        return
    error = error_of(answer)
    assert answer.status_code in (500, 503)
    assert (named(answer), error["billed"], error["retry_safe"]) == (made, billed, False), error
    if create.sdk:
        assert answer.headers["x-should-retry"] == "false"
    assert "canary" not in answer.text


async def newest(gate: Gateway) -> UUID:
    row = await one(gate, "SELECT id FROM generations ORDER BY created_at DESC, id LIMIT 1")
    found: UUID = row["id"]
    return found


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> list[Breaker]:
    """Breakers in here are armed once the statement of admission has returned."""
    breakers: list[Breaker] = []
    really = decisions.admit

    async def admit(*given: Any, **more: Any) -> Any:
        decision = await really(*given, **more)
        for breaker in breakers:
            breaker.arm()
        return decision

    monkeypatch.setattr(decisions, "admit", admit)
    return breakers


@walked
async def test_a_create_that_breaks_behind_its_commit_is_never_denied(
    quick: Gateway, committed: list[Breaker], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """At every step: the wait, the second look, the link, the headers, the dialect's render."""
    admitted: list[UUID] = []
    really = admission.admit

    async def admit(*given: Any, **more: Any) -> Any:
        found = await really(*given, **more)
        admitted.append(found.generation_id)
        return found

    monkeypatch.setattr(creation, "admit", admit)
    key, create = await quick.member(**ROOM), CREATES[name]
    steps: list[str] = []
    while True:
        ready = await create.ready(quick, key)
        breaker = Breaker(len(steps), within=creation.create.__code__)
        committed[:] = [breaker]
        admitted.clear()
        with breaking(breaker):
            answer = await ready.post(quick, key, Prefer="wait=1")
        made = await newest(quick)
        if admitted:
            assert admitted == [made]
            denies_nothing(answer, create, made, billed=True)
        else:
            # Broken on the way back from the database: the edge has not heard of its generation.
            error = error_of(answer)
            assert (error["billed"], error["retry_safe"]) == (None, False)
        if breaker.broke is None:
            break
        steps.append(breaker.broke)
    assert answer.is_success
    assert {"wait_for_end", "wait_until_closed", "find_own", "waiting_of", "_answer"} <= set(steps)


@pytest.mark.parametrize("name", ["own REST", "OpenAI"])
async def test_a_replay_that_breaks_names_what_it_would_have_shown(
    quick: Gateway, committed: list[Breaker], name: str
) -> None:
    key = await quick.member(**ROOM)
    create = await CREATES[name].ready(quick, key)
    headers = {"Idempotency_Key": "once", "Prefer": "respond-async"}
    made = create.uuid(await create.post(quick, key, **headers))
    for number in range(1000):
        breaker = Breaker(number, within=creation._accepted.__code__)
        committed[:] = [breaker]
        with breaking(breaker):
            answer = await create.post(quick, key, **headers)
        # Whether the one it names was charged is not known: it could not be read.
        denies_nothing(answer, create, made, billed=None)
        if breaker.broke is None:
            break
    assert number > 0
    assert answer.is_success


@every
async def test_a_replay_while_the_database_is_away_is_503_and_names_it(
    quick: Gateway, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    key = await quick.member(**ROOM)
    create = await CREATES[name].ready(quick, key)
    headers = {"Idempotency_Key": "once", "Prefer": "respond-async"}
    made = create.uuid(await create.post(quick, key, **headers))

    async def away(*_: Any) -> None:
        raise Unavailable("canary-of-an-outage", retry_after_seconds=2)

    monkeypatch.setattr(queries, "find_own", away)
    answer = await create.post(quick, key, **headers)
    # SDKs of OpenRouter repeat whatever is answered with 503.
    assert answer.status_code == (202 if name == "OpenRouter" else 503)
    denies_nothing(answer, create, made, billed=None)
    assert "Retry-After" not in answer.headers


@every
async def test_a_fault_inside_admission_leaves_open_whether_it_was_charged(
    quick: Gateway, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    key = await quick.member(**ROOM)
    create = await CREATES[name].ready(quick, key)

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("canary-of-a-fault")

    monkeypatch.setattr(decisions, "admit", broken)
    answer = await create.post(quick, key)
    error = error_of(answer)
    error = error.get("metadata", error)
    assert (answer.status_code, error["billed"], error["retry_safe"]) == (500, None, False)
    assert named(answer) is None
    assert "canary" not in answer.text
    if create.sdk:
        assert answer.headers["x-should-retry"] == "false"


@every
async def test_a_public_address_of_any_script_makes_headers_and_links_in_ascii(
    database_url: str, tmp_path: Path, name: str
) -> None:
    changes: dict[str, Any] = {"public_url": "https://视频.example/видео", "wait_seconds": 0.001}
    async with gateway(database_url, tmp_path, worker=False, **changes) as gate:
        key = await gate.member()
        create = await CREATES[name].ready(gate, key)
        answer = await create.post(gate, key, Prefer="respond-async")
        assert answer.is_success, answer.text
        base = "https://xn--cy2a840a.example/%D0%B2%D0%B8%D0%B4%D0%B5%D0%BE"
        if name == "1min.ai":
            assert answer.status_code == 202
        if "Location" in answer.headers:
            where = answer.headers["Location"]
            assert where.startswith((f"{base}/", "/%D0%B2"))
            assert where.endswith(create.id_of(answer))
        assert gate.rt.signer.link(
            create.uuid(answer), now=gate.rt.clock.now(), seconds=60
        ).startswith(f"{base}/media/")


#: The module and name of a deed, the request that does it, and what must be there before.
GENERATION_DEEDS = {
    "own REST, cancel": ("app.generations.cancel.cancel", "POST",
                         "/api/v1/generations/{id}/cancel", "queued"),
    "own REST, delete": ("app.videos.deletion.delete", "DELETE",
                         "/api/v1/generations/{id}", "canceled"),
    "OpenAI, cancel": ("app.generations.cancel.cancel", "DELETE", "/v1/videos/{id}", "queued"),
    "OpenAI, delete": ("app.videos.deletion.delete", "DELETE", "/v1/videos/{id}", "canceled"),
    "Luma, cancel": ("app.generations.cancel.cancel", "DELETE",
                     "/dream-machine/v1/generations/{id}", "queued"),
    "Luma, delete": ("app.videos.deletion.delete", "DELETE",
                     "/dream-machine/v1/generations/{id}", "canceled"),
    "resolve": ("app.generations.unknown.resolve", "POST",
                "/api/v1/admin/unknown/{id}/resolve", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("deed", GENERATION_DEEDS)
async def test_a_deed_that_breaks_behind_its_commit_names_its_generation(
    quick: Gateway, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    use_case, method, path, state = GENERATION_DEEDS[deed]
    key = await quick.member("op", team="default", role=Role.ADMIN, **ROOM)
    body = {"outcome": "lost", "reason": "seen"} if deed == "resolve" else None
    for number in range(1000):
        made = UUID((await quick.create(key)).json()["aiRecord"]["uuid"])
        await _bring_to(quick, key, made, state)
        async with _armed(monkeypatch, use_case, number) as breaker:
            answer = await quick.http.request(
                method, path.format(id=made), json=body, headers={"API-KEY": key}
            )
        if breaker.broke is None:
            break
        if not answer.is_success:
            error = error_of(answer)
            assert named(answer) == made, (breaker.broke, error)
            assert (error["billed"], error["retry_safe"]) == (deed == "resolve", False)
    assert answer.is_success


async def _bring_to(gate: Gateway, key: str, made: UUID, state: str) -> None:
    if state == "canceled":
        path = f"/api/v1/generations/{made}/cancel"
        assert (await gate.http.post(path, headers={"API-KEY": key})).is_success
    if state == "unknown":
        await execute(gate, "UPDATE generations SET state = 'unknown' WHERE id = :id", id=made)


@asynccontextmanager
async def _armed(
    monkeypatch: pytest.MonkeyPatch, use_case: str, number: int
) -> AsyncIterator[Breaker]:
    """A breaker inside the route, armed once the use case has returned."""
    breaker = Breaker(number, within=run_endpoint_function.__code__)
    module, _, name = use_case.rpartition(".")
    with monkeypatch.context() as patched:
        really = getattr(__import__(module, fromlist=[name]), name)

        async def then_armed(*given: Any, **more: Any) -> Any:
            found = await really(*given, **more)
            breaker.arm()
            return found

        patched.setattr(use_case, then_armed)
        with breaking(breaker):
            yield breaker


OTHER_DEEDS = {
    "pause": ("app.operators.pauses.set_paused", "POST",
              "/api/v1/admin/pauses/admission/pause", {"reason": "upgrade"}),
    "resume": ("app.operators.pauses.set_paused", "POST",
               "/api/v1/admin/pauses/admission/resume", {"reason": "upgraded"}),
    "test key": ("app.operators.upstream_keys.test", "POST",
             "/api/v1/admin/upstream-keys/main/test", None),
    "pause key": ("app.operators.upstream_keys.pause", "POST",
                  "/api/v1/admin/upstream-keys/main/pause", {"reason": "odd"}),
    "return": ("app.operators.upstream_keys.return_to_use", "POST",
               "/api/v1/admin/upstream-keys/main/return", {"reason": "topped up"}),
    "endpoint": ("app.webhooks.endpoints.create", "POST", "/api/v1/webhooks/endpoints",
                 {"url": "{url}"}),
    "change": ("app.webhooks.endpoints.change", "PATCH", "/api/v1/webhooks/endpoints/{hook}",
               {"description": "mine"}),
    "rotate": ("app.webhooks.endpoints.rotate", "POST",
               "/api/v1/webhooks/endpoints/{hook}/rotate", None),
    "test": ("app.http.webhooks.record", "POST",
             "/api/v1/webhooks/endpoints/{hook}/test", None),
    "endpoint as OpenAI": ("app.webhooks.endpoints.create", "POST", "/v1/webhook_endpoints",
                           {"name": "x", "url": "{url}", "event_types": ["video.failed"]}),
    "change as OpenAI": ("app.webhooks.endpoints.change", "POST", "/v1/webhook_endpoints/{hook}",
                         {"name": "mine"}),
    "rotate as OpenAI": ("app.webhooks.endpoints.rotate", "POST",
                         "/v1/webhook_endpoints/{hook}/rotate_secret", None),
    "test as OpenAI": ("app.http.webhooks.record", "POST", "/v1/webhook_endpoints/{hook}/test",
                       {"event_type": "video.failed"}),
    "resend": ("app.webhooks.endpoints.resend", "POST",
               "/api/v1/webhooks/deliveries/{delivery}/resend", None),
}  # fmt: skip


@pytest.mark.parametrize("deed", OTHER_DEEDS)
async def test_a_deed_that_breaks_behind_its_commit_says_that_it_is_done(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1000)
    use_case, method, path, body = OTHER_DEEDS[deed]
    async with (
        receiving() as receiver,
        webhook_gateway(database_url, tmp_path, receiver, worker=False) as gate,
    ):
        key = await gate.member("op", team="default", role=Role.ADMIN)
        await gate.worker.upstream_key_ids_now()
        hook = (await endpoint(gate, key, receiver.url, format="openai"))["id"]
        tested = f"/api/v1/webhooks/endpoints/{hook}/test"
        delivery = (await gate.http.post(tested, headers={"API-KEY": key})).json()["id"]
        sent = body and json.loads(json.dumps(body).replace("{url}", receiver.url))
        for number in range(1000):
            async with _armed(monkeypatch, use_case, number) as breaker:
                answer = await gate.http.request(
                    method, path.format(hook=hook, delivery=delivery), json=sent,
                    headers={"API-KEY": key},
                )  # fmt: skip
            if breaker.broke is None:
                break
            if not answer.is_success:
                error = error_of(answer)
                said = error.get("detail") or error["message"]
                assert "only the answer to this request failed" in said
                assert (error["billed"], error["retry_safe"]) == (False, False)
        assert answer.is_success, answer.text


async def test_a_video_is_deleted_although_its_bytes_have_to_stay_for_now(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, create = await gate.member(), CREATES["own REST"]
    made = create.uuid(await create.post(gate, key))
    await gate.archived(str(made))

    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr("app.db.deletions.list_leftovers", away)
    path = f"/api/v1/generations/{made}"
    assert (await gate.http.delete(path, headers={"API-KEY": key})).status_code == 204
    assert (await gate.generation(made)).asset is not None
    shown = (await gate.http.get(path, headers={"API-KEY": key})).json()
    assert shown["video"]["state"] == "deleted"
