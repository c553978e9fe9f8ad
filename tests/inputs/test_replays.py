"""A create that is repeated gets its generation, whatever has become of its images meanwhile: what
is at a URL may have changed or gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import Unavailable
from tests.harness.gateway import Gateway, gateway
from tests.harness.pictures import picture
from tests.harness.traces import one, traces
from tests.inputs.calling import call, image_body, image_request, uploaded
from tests.upstream.loopback import Connection, Server, http, serving

RETRY = {"X-Stainless-Read-Timeout": "60"}


class Pictures:
    """A server of one picture, which may change or be gone. `fetched` counts how often."""

    def __init__(self) -> None:
        self.content: bytes | None = picture("JPEG")
        #: What the second who asks is given, if it differs.
        self.other: bytes | None = None
        #: Whom the answers wait for.
        self.both: asyncio.Barrier | None = None
        #: What the answer to the first who asks waits for.
        self.released: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.fetched = 0
        self.server: Server | None = None

    async def answer(self, connection: Connection) -> None:
        await connection.request()
        self.fetched += 1
        content = self.content if self.fetched == 1 else self.other or self.content
        self.asked.set()
        if self.both is not None:
            await self.both.wait()
        if self.released is not None and self.fetched == 1:
            await self.released.wait()
        await connection.send(http(404) if content is None else http(200, content))

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"{self.server.url}/lion.jpg?signature=canary"


@pytest.fixture
def pictures() -> Pictures:
    return Pictures()


@contextlib.asynccontextmanager
async def fetching(database_url: str, folder: Path, pictures: Pictures) -> AsyncIterator[Gateway]:
    async with (
        serving(pictures.answer) as server,
        gateway(database_url, folder, worker=False, input_internal_origins=(server.url,)) as gate,
    ):
        pictures.server = server
        yield gate


@pytest.fixture
async def gate(database_url: str, tmp_path: Path, pictures: Pictures) -> AsyncIterator[Gateway]:
    async with fetching(database_url, tmp_path, pictures) as gate:
        yield gate


Create = Callable[..., Awaitable[httpx.Response]]


async def native(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    return await _post(gate, "/api/features", key, {**image_body(url), "async": True}, headers)


async def rest(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    return await _post(gate, "/api/v1/generations", key, image_request(url), headers)


async def openai(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    asked = {"model": "ray-v3", "prompt": "it moves", "input_reference": {"image_url": url}}
    return await _post(gate, "/v1/videos", key, asked, headers)


async def luma(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    asked = {"model": "ray-2", "prompt": "it moves",
             "keyframes": {"frame0": {"type": "image", "url": url}}}  # fmt: skip
    return await _post(gate, "/dream-machine/v1/generations/video", key, asked, headers)


async def agents(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    asked = {"type": "video", "prompt": "it moves", "video": {"start_frame": {"url": url}}}
    return await _post(gate, "/luma/v1/generations", key, asked, headers)


async def openrouter(gate: Gateway, key: str, url: str, **headers: str) -> httpx.Response:
    frame = {"type": "image_url", "frame_type": "first_frame", "image_url": {"url": url}}
    asked = {"model": "luma/ray-v3", "prompt": "it moves", "frame_images": [frame]}
    return await _post(gate, "/openrouter/api/v1/videos", key, asked, headers)


async def _post(
    gate: Gateway, path: str, key: str, asked: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gate.http.post(
        path, json=asked, headers={"Authorization": f"Bearer {key}", **named}
    )


def id_of(answer: httpx.Response) -> str:
    assert answer.status_code in (200, 201, 202), answer.text
    document = answer.json()
    return str(document.get("id") or document["aiRecord"]["uuid"])


EVERY = [native, rest, openai, luma, agents, openrouter]
every = pytest.mark.parametrize("create", EVERY)


@every
async def test_a_replay_fetches_nothing(gate: Gateway, pictures: Pictures, create: Create) -> None:
    key = await gate.member()
    first = await create(gate, key, pictures.url, Idempotency_Key="once")
    before = await traces(gate)
    for content in (picture("PNG"), None):
        pictures.content = content
        again = await create(gate, key, pictures.url, Idempotency_Key="once")
        assert id_of(again) == id_of(first)
        assert again.headers["Idempotent-Replayed"] == "true"
    assert pictures.fetched == 1
    assert await traces(gate) == before


@every
async def test_another_url_is_another_body_unless_it_has_the_same_image(
    gate: Gateway, pictures: Pictures, create: Create
) -> None:
    key = await gate.member()
    first = await create(gate, key, pictures.url, Idempotency_Key="once")
    again = await create(gate, key, f"{pictures.url}2", Idempotency_Key="once")
    assert id_of(again) == id_of(first)
    pictures.content = picture("PNG")
    other = await create(gate, key, f"{pictures.url}3", Idempotency_Key="once")
    assert "mismatch" in other.text.lower()
    assert (await traces(gate)).generations == 1


@pytest.mark.parametrize("create", [openai, luma, agents])
async def test_the_next_attempt_of_an_sdk_fetches_nothing(
    gate: Gateway, pictures: Pictures, create: Create
) -> None:
    key = await gate.member()
    first = await create(gate, key, pictures.url, X_Stainless_Retry_Count="0", **RETRY)
    pictures.content = None
    again = await create(gate, key, pictures.url, X_Stainless_Retry_Count="1", **RETRY)
    assert id_of(again) == id_of(first)
    assert pictures.fetched == 1
    # Another call is about what is there now.
    refused = await create(gate, key, pictures.url, X_Stainless_Retry_Count="0", **RETRY)
    assert refused.status_code == 400
    pictures.content = picture("PNG")
    other = await create(gate, key, pictures.url, X_Stainless_Retry_Count="0", **RETRY)
    assert id_of(other) != id_of(first)
    row = await one(gate, "SELECT count(DISTINCT sha256) AS found FROM inputs")
    assert row["found"] == 2


async def test_an_unmarked_attempt_fetches_nothing(gate: Gateway, pictures: Pictures) -> None:
    """A call of OpenRouter's SDKs whose answer was not written."""
    key = await gate.member()
    # By this name the call lasts until a look has shown the end.
    first = await openrouter(gate, key, pictures.url, User_Agent="ai-sdk/openrouter")
    pictures.content = None
    again = await openrouter(gate, key, pictures.url, User_Agent="ai-sdk/openrouter")
    assert id_of(again) == id_of(first)
    assert pictures.fetched == 1


@pytest.mark.parametrize(
    ("create", "marked"),
    [(native, "key"), (rest, "key"), (openai, "attempt"), (luma, "attempt"), (agents, "attempt")],
)
async def test_two_attempts_that_fetch_at_once_are_one_generation(
    gate: Gateway, pictures: Pictures, create: Create, marked: str
) -> None:
    """Whatever each of them is given: the second comes while the first still fetches."""
    key = await gate.member()
    pictures.other = picture("PNG")
    pictures.both = asyncio.Barrier(2)
    headers: list[dict[str, str]] = [
        {"X_Stainless_Retry_Count": str(count), **RETRY} if marked == "attempt"
        else {"Idempotency_Key": "once"}
        for count in (0, 1)
    ]  # fmt: skip
    answers = await asyncio.gather(*(create(gate, key, pictures.url, **each) for each in headers))
    assert pictures.fetched == 2
    assert len({id_of(answer) for answer in answers}) == 1
    assert (await traces(gate)).generations == 1


@pytest.mark.parametrize("create", [openai, luma, agents])
async def test_an_attempt_that_fetched_for_long_is_at_the_call_that_was_repeated(
    gate: Gateway, pictures: Pictures, create: Create
) -> None:
    """The first attempt gets its image only once the second one has made the generation."""
    key = await gate.member()
    pictures.other, pictures.released = picture("PNG"), asyncio.Event()
    first = asyncio.ensure_future(
        create(gate, key, pictures.url, X_Stainless_Retry_Count="0", **RETRY)
    )
    await pictures.asked.wait()
    second = await create(gate, key, pictures.url, X_Stainless_Retry_Count="1", **RETRY)
    pictures.released.set()
    assert id_of(await first) == id_of(second)
    assert (await traces(gate)).generations == 1


@every
async def test_a_replay_needs_no_input(gate: Gateway, create: Create) -> None:
    """It was deleted with its generation."""
    key = await gate.member()
    document = await uploaded(gate, key)
    first = await create(gate, key, document["id"], Idempotency_Key="once")
    found = id_of(first).removeprefix("video_")
    await gate.http.post(f"/api/v1/generations/{found}/cancel", headers={"API-KEY": key})
    assert (await call(gate, key, "DELETE", f"/{document['id']}")).status_code == 204
    again = await create(gate, key, document["id"], Idempotency_Key="once")
    assert id_of(again) == id_of(first)
    other = await create(gate, key, document["id"], Idempotency_Key="another")
    assert other.status_code in (400, 422)


async def test_a_replay_while_the_database_is_away_is_no_refusal_of_the_image(
    gate: Gateway, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await gate.member()
    await rest(gate, key, pictures.url, Idempotency_Key="once")
    pictures.content = None

    async def away(*_: Any) -> None:
        raise Unavailable("away", retry_after_seconds=1)

    with monkeypatch.context() as patched:
        patched.setattr(gate.rt.db.direct, "one", away)
        answer = await rest(gate, key, pictures.url, Idempotency_Key="once")
    assert answer.status_code == 503
    assert answer.json()["retry_safe"] is True
    assert pictures.fetched == 1
