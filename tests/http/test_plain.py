"""Routes that are called without the framework answer as they do with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from app.api.routes import PREFIX as REST
from app.api.routes import create_api
from app.dialects.luma.routes import PREFIX as DREAM_MACHINE
from app.dialects.luma.routes import create_dialect as create_dream_machine
from app.dialects.luma_agents.routes import PREFIX as LUMA_AGENTS
from app.dialects.luma_agents.routes import create_dialect as create_luma_agents
from app.dialects.onemin.routes import create_dialect as create_onemin
from app.dialects.openai.routes import PREFIX as OPENAI
from app.dialects.openai.routes import create_dialect as create_openai
from app.dialects.openrouter.routes import PREFIX as OPENROUTER
from app.dialects.openrouter.routes import create_dialect as create_openrouter
from app.http.plain import Plain, plain
from tests.harness.gateway import Gateway

MOUNTS = [
    Mount(REST, create_api()),
    Mount("/api", create_onemin()),
    Mount(OPENAI, create_openai()),
    Mount(DREAM_MACHINE, create_dream_machine()),
    Mount(LUMA_AGENTS, create_luma_agents()),
    Mount(OPENROUTER, create_openrouter()),
]
UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
READS = ("/api/results/", "/api/v1/generations/", "/v1/videos/",
         "/dream-machine/v1/generations/", "/luma/v1/generations/",
         "/openrouter/api/v1/videos/")  # fmt: skip
CREATES = ("/api/features", "/api/v1/generations", "/v1/videos", "/dream-machine/v1/generations",
           "/dream-machine/v1/generations/video", "/luma/v1/generations",
           "/openrouter/api/v1/videos")  # fmt: skip


async def _nowhere(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("goes on to the framework")


def test_every_create_and_status_read_goes_without_the_framework() -> None:
    routes = Plain(_nowhere, mounts=MOUNTS)
    exact = {path for method, path in routes._exact if method == "POST"}
    begun = {path for method, path in routes._begun if method == "GET"}
    assert (exact, begun) == (set(CREATES), set(READS))
    # A status read would take this one's name for an id.
    listing = {path for method, path in routes._exact if method == "GET"}
    assert listing == {"/openrouter/api/v1/videos/models"}
    assert len(routes._exact) + len(routes._begun) == len(CREATES) + len(READS) + len(listing)


def test_a_signature_that_it_cannot_fill_is_refused_at_the_start() -> None:
    api = create_api.__wrapped__()

    @plain
    async def searching(text: str) -> Any:
        raise AssertionError

    api.add_api_route("/searching", searching, methods=["GET"])
    with pytest.raises(AssertionError, match="text"):
        Plain(_nowhere, mounts=[Mount(REST, api)])


def _requests(generation_id: str, key: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    keys: list[dict[str, str]] = [
        {"API-KEY": key}, {"Authorization": f"bEaReR  {key} "}, {"API-KEY": "rg_nobody"},
        {"Authorization": f"Basic {key}"}, {"API-KEY": "x" * 5000}, {},
        {"API-KEY": "", "Authorization": f"Bearer {key}"},
    ]  # fmt: skip
    for beginning in READS:
        for headers in keys:
            yield "GET", beginning + generation_id, {"headers": headers}
        for ending in (
            "",
            "nothing",
            UNKNOWN,
            f"{generation_id}/",
            f"{generation_id}%2Fx",
            f"video_{generation_id.replace('-', '')}",
            "%00",
            generation_id + "?a=%FF",
        ):
            yield "GET", beginning + ending, {"headers": keys[0]}  # fmt: skip
        for method in ("HEAD", "POST", "OPTIONS", "PATCH"):
            yield method, beginning + generation_id, {"headers": keys[0]}
    for path in CREATES:
        for headers in keys[2:6]:
            yield "POST", path, {"headers": headers, "json": {}}
        for content in (b"", b"{", b"[]", b"\xff", b'{"a": NaN}', b"{}"):
            yield "POST", path, {"headers": keys[0], "content": content}
        compressed = {**keys[0], "Content-Encoding": "gzip"}
        yield "POST", path, {"headers": compressed, "content": b"x"}
        yield "PUT", path, {"headers": keys[0]}
        yield "POST", path + "/", {"headers": keys[0]}


def _seen(answer: httpx.Response) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name != "retry-after"}
    return answer.request.method, answer.request.url, answer.status_code, headers, answer.content


async def test_both_ways_answer_alike(still_gate: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await still_gate.member()
    created = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    counter = still_gate.rt.metrics.http_requests

    async def asked() -> tuple[list[Any], dict[Any, float]]:
        counter.clear()
        still_gate.rt.metrics._of_route.clear()
        seen = []
        for method, path, options in _requests(created, key):
            headers = {**options.pop("headers"), "X-Request-Id": "one"}
            answer = await still_gate.http.request(method, path, headers=headers, **options)
            seen.append(_seen(answer))
        counted = {
            tuple(sample.labels.values()): sample.value
            for sample in next(iter(counter.collect())).samples
            if sample.name.endswith("_total")
        }
        return seen, counted

    direct = await asked()
    found: list[str] = []
    finds = Plain._find

    def none(self: Plain, scope: Any) -> None:
        if finds(self, scope) is not None:
            found.append(scope["path"])

    monkeypatch.setattr(Plain, "_find", none)
    through_the_framework = await asked()
    assert len(found) > len(READS) + len(CREATES)
    for one, other in zip(direct[0], through_the_framework[0], strict=True):
        assert one == other
    assert direct[1] == through_the_framework[1]
    statuses = {seen[2] for seen in direct[0]}
    assert statuses >= {200, 400, 401, 404, 405, 422}
