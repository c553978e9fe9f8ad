"""Names of receivers whose servers never answer keep no other name from being looked up."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from app.fetch import FetchFailed, resolver_apart, system_resolver
from tests.harness.gateway import Gateway
from tests.webhooks.receiving import PATIENCE_SECONDS

#: More than a loop has threads for.
HANGING = 40


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names that end with `.hangs` are answered once this is set; it is, at the end. No name is
    asked for outside."""
    released = threading.Event()
    getaddrinfo = socket.getaddrinfo

    def look(host: str, *what: Any, **how: Any) -> Any:
        if str(host).endswith((".hangs", ".invalid")):
            if str(host).endswith(".hangs"):
                released.wait()
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return getaddrinfo(host, *what, **how)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    yield released
    released.set()


async def test_they_keep_no_upstream_from_being_found(
    still_gate: Gateway, answers: threading.Event
) -> None:
    client = still_gate.worker.sender.client

    async def call(number: int) -> None:
        async with client.stream(f"https://{number}.hangs/", method="POST"):
            pass

    calls = [asyncio.create_task(call(number)) for number in range(HANGING)]
    await asyncio.sleep(0)
    looking = asyncio.ensure_future(system_resolver("127.0.0.1", 443))
    found_meanwhile, _ = await asyncio.wait({looking}, timeout=PATIENCE_SECONDS)
    answers.set()
    assert found_meanwhile
    assert await looking == ("127.0.0.1",)
    for found in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(found, FetchFailed)
        assert found.reason == "unresolved"


@pytest.mark.usefixtures("answers")
async def test_it_finds_what_there_is() -> None:
    assert await resolver_apart("127.0.0.1", 443) == ("127.0.0.1",)
    assert await resolver_apart("nobody.invalid", 443) == ()


async def test_one_that_is_given_up_is_told_to_nobody(answers: threading.Event) -> None:
    # Those of other tests have told, and may take their time to end.
    before = threading.enumerate()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await resolver_apart("slow.hangs", 443)
    there = [thread for thread in threading.enumerate() if thread.name == "resolver"]
    (looking,) = [thread for thread in there if thread not in before]
    answers.set()
    await asyncio.to_thread(looking.join, PATIENCE_SECONDS)
    assert not looking.is_alive()
