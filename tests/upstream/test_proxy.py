"""Calls through a proxy: a tunnel is asked for, and until it is there nothing has left."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.domain.catalog.catalog import BUILT_IN
from app.fetch import FetchFailed, FetchPolicy, GuardedFetcher
from app.http_client import HttpClient
from app.operators import startup
from app.redaction import Redactor
from app.runtime import download_policy, make_downloads, upstream_client
from app.upstream.answers import Busy, Lost, NotProcessed, Running
from app.upstream.client import UpstreamClient
from tests.harness.clock import LoopTime
from tests.harness.gateway import settings_for
from tests.upstream.calling import ID, PATIENCE_SECONDS, PROCESSING, submitted
from tests.upstream.fetching import fetched
from tests.upstream.loopback import (
    TLS,
    Connection,
    Script,
    Server,
    answering,
    http,
    refusing,
    serving,
)

HOST = "video.test"
UPSTREAM = f"https://{HOST}"
CREDENTIALS = "ca%40nary:canary%2Fpassword"
UNREACHABLE = (NotProcessed(reason="unreachable"), Busy(reason="unreachable"))


def tunnelling(server: Server) -> Script:
    """A proxy that leads every tunnel to one server, whatever its name."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def script(connection: Connection) -> None:
        await connection.request()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        directions = {
            asyncio.create_task(copy(connection.reader, writer)),
            asyncio.create_task(copy(reader, connection.writer)),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    return script


def client_of(proxy: str, **options: Any) -> HttpClient:
    trusted = ssl.create_default_context(cafile=TLS / "certificate.pem")
    return HttpClient(max_connections=10, proxy=proxy, verify=trusted, **options)


def upstream_of(http_client: HttpClient) -> UpstreamClient:
    return UpstreamClient(
        http=http_client,
        base_url=UPSTREAM,
        keys={"main": "key-of-the-account"},
        fetcher=GuardedFetcher(http_client, FetchPolicy(hosts=frozenset({HOST}))),
        catalog=BUILT_IN,
        read_seconds=PATIENCE_SECONDS,
    )


@asynccontextmanager
async def proxied(script: Script) -> AsyncIterator[tuple[Server, UpstreamClient]]:
    async with serving(script) as proxy:
        client = client_of(f"http://{CREDENTIALS}@127.0.0.1:{proxy.port}")
        yield proxy, upstream_of(client)


async def test_calls_go_through_a_tunnel_that_the_proxy_cannot_look_into() -> None:
    async with (
        serving(answering(200, PROCESSING), tls=True) as server,
        proxied(tunnelling(server)) as (proxy, client),
    ):
        assert isinstance(await submitted(client), Running)
        assert isinstance(await client.result("main", ID), Running)
    assert {(request.method, request.path) for request in proxy.requests} == {
        ("CONNECT", f"{HOST}:443")
    }
    for request in proxy.requests:
        scheme, _, given = request.headers["proxy-authorization"].partition(" ")
        assert scheme == "Basic"
        assert base64.b64decode(given) == b"ca@nary:canary/password"
        assert "api-key" not in request.headers
    for request in server.requests:
        assert request.headers["api-key"] == "key-of-the-account"
        assert "proxy-authorization" not in request.headers


async def test_files_come_through_it_too() -> None:
    """By their hosts' names: this machine may not be able to look them up."""

    async def unasked(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host}:{port} was looked up")

    async def film(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, b"film"))

    async with (
        serving(film, tls=True) as server,
        serving(tunnelling(server)) as proxy,
    ):
        fetcher = GuardedFetcher(
            client_of(f"http://127.0.0.1:{proxy.port}"),
            FetchPolicy(hosts=frozenset({HOST})),
            resolver=unasked,
        )
        assert await fetched(fetcher, f"{UPSTREAM}/film.mp4") == b"film"
        with pytest.raises(Exception, match="not among the hosts"):
            await fetched(fetcher, "https://other.test/film.mp4")
    assert [request.path for request in proxy.requests] == [f"{HOST}:443"]


def test_what_may_go_anywhere_goes_through_no_proxy() -> None:
    with pytest.raises(ValueError, match="only named hosts"):
        GuardedFetcher(client_of("http://127.0.0.1:9"), FetchPolicy(hosts=None))


@pytest.mark.parametrize("status", [400, 403, 407, 429, 502, 503])
async def test_a_tunnel_that_is_refused_has_let_nothing_out(status: int) -> None:
    async def refusal(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(status, b"canary", "Proxy-Authenticate: Basic"))

    async with proxied(refusal) as (_, client):
        assert (await submitted(client), await client.result("main", ID)) == UNREACHABLE
        with pytest.raises(FetchFailed):
            async with client.download(f"{UPSTREAM}/film.mp4"):
                pass


async def test_a_proxy_that_is_away_has_let_nothing_out() -> None:
    with refusing() as address:
        client = upstream_of(client_of(address))
        assert (await submitted(client), await client.result("main", ID)) == UNREACHABLE


async def test_a_proxy_that_hangs_up_before_or_in_the_handshake_has_let_nothing_out() -> None:
    async def at_once(connection: Connection) -> None:
        await connection.request()

    async def in_the_handshake(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await connection.reader.read(100)
        connection.reset()

    for script in (at_once, in_the_handshake):
        async with proxied(script) as (_, client):
            assert (await submitted(client), await client.result("main", ID)) == UNREACHABLE


@pytest.mark.parametrize("established", [False, True])
async def test_a_proxy_that_says_nothing_is_given_up_unsent(
    established: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the time that the upstream has for its answer."""
    time = LoopTime(monkeypatch)

    async def silence(connection: Connection) -> None:
        await connection.request()
        if established:
            await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await connection.reader.read(100)
        time.move(31)
        await connection.until_hung_up()

    async with proxied(silence) as (_, client):
        assert await submitted(client) == NotProcessed(reason="unreachable")


async def test_what_went_into_the_tunnel_may_have_left() -> None:
    async def read_and_hang_up(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with (
        serving(read_and_hang_up, tls=True) as server,
        proxied(tunnelling(server)) as (_, client),
    ):
        assert await submitted(client) == Lost(reason="reset")
    assert len(server.requests) == 1


async def test_an_upstream_that_is_slow_behind_a_tunnel_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = LoopTime(monkeypatch)

    async def slow(connection: Connection) -> None:
        await connection.request()
        time.move(PATIENCE_SECONDS - 10)
        await connection.send(http(200, b'{"aiRecord": {"uuid": "%s", "status": "PROCESSING"}}'
                                   % ID.encode()))  # fmt: skip

    async with (
        serving(slow, tls=True) as server,
        proxied(tunnelling(server)) as (_, client),
    ):
        assert isinstance(await submitted(client), Running)


# Which calls take it


def test_the_setting_is_for_the_upstream_and_its_files(tmp_path: Path) -> None:
    proxy = SecretStr(f"http://{CREDENTIALS}@proxy.internal:3128")
    settings = settings_for("postgresql://h/d", tmp_path, upstream_proxy=proxy)
    assert upstream_client(settings).proxied
    assert make_downloads(settings)._client.proxied
    assert download_policy(settings).hosts
    assert startup.facts(settings, api=True, embedded=False)["upstream"] == (
        "https://api.1min.ai through the proxy proxy.internal:3128"
    )
    simulated = settings_for(
        "postgresql://h/d", tmp_path, upstream_proxy=proxy, simulator_url="http://127.0.0.1:9"
    )
    assert not upstream_client(simulated).proxied
    unset = settings_for("postgresql://h/d", tmp_path)
    assert not upstream_client(unset).proxied


def test_its_credentials_are_kept_out_of_logs(tmp_path: Path) -> None:
    proxy = f"http://{CREDENTIALS}@proxy.internal:3128"
    settings = settings_for("postgresql://h/d", tmp_path, upstream_proxy=SecretStr(proxy))
    assert proxy in settings.secrets()
    assert "canary" not in Redactor(settings.secrets()).clean_text(f"failed: {proxy}/")
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    "address",
    ["proxy.internal:3128", "socks5://u:canary@h:1", "http://u:canary@h", "http://u:canary@h:1/x",
     "http://u:can#ary@h:1", "http://u:canary@h:99999", "http://[::1"],
)  # fmt: skip
def test_an_address_that_no_proxy_has_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(
        Exception, match=r"^REELGATE_UPSTREAM_PROXY: must be http://host"
    ) as refused:
        settings_for("postgresql://h/d", tmp_path, upstream_proxy=SecretStr(address))
    assert "canary" not in str(refused.value)
