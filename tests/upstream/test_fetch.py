"""The guard against URLs that lead where they should not."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence

import httpx
import pytest

from app.fetch import FetchFailed, FetchPolicy, Refused, is_public, system_resolver
from tests.upstream.fetching import (
    ANY_HOST,
    HOST,
    PUBLIC,
    SECRET,
    VIDEOS,
    Recorder,
    fetched,
    fetching,
    resolving,
)
from tests.upstream.loopback import TLS, Connection, closed_port, http, serving

HOSTILE = [
    "http://" + HOST + "/v.mp4",
    "ftp://" + HOST + "/v.mp4",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "data:video/mp4;base64,AAAA",
    "//" + HOST + "/v.mp4",
    "/v.mp4",
    "",
    "https://",
    "https:///v.mp4",
    "https://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://0/",
    f"https://{HOST}:22/",
    f"https://{HOST}:8443/",
    f"https://{HOST}:0/",
    f"https://{HOST}:99999/",
    f"https://{HOST}./v.mp4",
    f"https://{HOST}.evil.example/v.mp4",
    f"https://evil.example/{HOST}",
    f"https://{HOST}@evil.example/v.mp4",
    f"https://user:pa55@{HOST}/v.mp4",
    f"https://evil.example#@{HOST}/v.mp4",
    f"https://evil.example\\@{HOST}/v.mp4",
    f"https://{HOST}\\.evil.example/v.mp4",
    f"https://{HOST}\t/v.mp4",
    f"https://{HOST}/v.mp4\r\nHost: evil.example",
    f" https://{HOST}/v.mp4",
    "https://s3%2eus-east-1.amazonaws.com/v.mp4",
    "https://ｓ3.us-east-1.amazonaws.com/v.mp4",
    "https://s3.us-east-1.amazonaws。com/v.mp4",
    "https://bucket." + HOST + "/v.mp4",
    "https://[" + HOST + "]/v.mp4",
    "https://" + HOST + "/" + "v" * 9000,
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_a_hostile_url_is_refused_before_anything_is_looked_up(url: str) -> None:
    recorder = Recorder()

    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError("a refused host must not be resolved")

    async with fetching(VIDEOS, recorder, resolver=resolve) as fetcher:
        with pytest.raises(Refused) as refused:
            await fetched(fetcher, url + SECRET)
    assert recorder.requests == []
    assert "secret" not in str(refused.value)
    assert "pa55" not in str(refused.value)


NOT_PUBLIC = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "192.0.0.8", "192.0.0.170", "192.88.99.1", "192.0.2.1", "198.18.0.1", "203.0.113.9",
    "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:52.216.1.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::34d8:101", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "2001:20::1",
    "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "3fff::1",
    "5f00::1", "100::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    """Also when it stands among public addresses."""
    for policy in (VIDEOS, ANY_HOST):
        recorder = Recorder()
        async with fetching(policy, recorder, resolver=resolving(PUBLIC, address)) as fetcher:
            with pytest.raises(Refused, match="not public"):
                await fetched(fetcher, f"https://{HOST}/v.mp4")
        assert recorder.requests == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::5"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", ["https://2130706433/", "https://[::1]/", "https://0x7f.1/"])
async def test_numbers_that_mean_loopback_are_seen_through_by_resolving(url: str) -> None:
    async with fetching(ANY_HOST, Recorder(), resolver=system_resolver) as fetcher:
        with pytest.raises((Refused, FetchFailed)):
            await fetched(fetcher, url)


async def test_the_connection_goes_to_the_checked_address_under_the_real_name() -> None:
    recorder = Recorder()
    link = f"https://{HOST}/asset.1min.ai/a%20b+c.mp4?X-Amz-Credential=A%2FB&x-id=GetObject#part"
    async with fetching(VIDEOS, recorder) as fetcher:
        assert await fetched(fetcher, link, headers={"Range": "bytes=5-"}) == b"video"
    (request,) = recorder.requests
    assert request.url.host == PUBLIC
    assert (
        request.url.raw_path == b"/asset.1min.ai/a%20b+c.mp4?X-Amz-Credential=A%2FB&x-id=GetObject"
    )
    assert request.headers["host"] == HOST
    assert request.extensions["sni_hostname"] == HOST
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["connection"] == "close"
    assert request.headers["range"] == "bytes=5-"


async def test_an_ipv6_address_is_pinned_too() -> None:
    recorder = Recorder()
    async with fetching(VIDEOS, recorder, resolver=resolving("2606:4700::1")) as fetcher:
        await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert recorder.requests[0].url.raw_host == b"2606:4700::1"


async def test_cookies_of_one_answer_are_not_sent_with_the_next_request() -> None:
    recorder = Recorder(httpx.Response(200, headers={"Set-Cookie": "a=b"}))
    async with fetching(VIDEOS, recorder) as fetcher:
        await fetched(fetcher, f"https://{HOST}/1")
        await fetched(fetcher, f"https://{HOST}/2")
    assert "cookie" not in recorder.requests[1].headers


async def test_the_next_address_is_tried_when_one_does_not_connect() -> None:
    tried: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        if len(tried) < 3:
            raise httpx.ConnectError("no route", request=request)
        return httpx.Response(200, content=b"video")

    addresses = ["2606:4700::1", "2606:4700::2", PUBLIC]
    async with fetching(VIDEOS, answer, resolver=resolving(*addresses)) as fetcher:
        assert await fetched(fetcher, f"https://{HOST}/v.mp4") == b"video"
    assert tried == addresses


async def test_a_request_that_was_sent_is_not_sent_to_the_next_address() -> None:
    tried: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        raise httpx.ReadError("broke", request=request)

    async with fetching(ANY_HOST, answer, resolver=resolving(PUBLIC, "8.8.8.8")) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetched(fetcher, f"https://{HOST}/hook{SECRET}", method="POST", content=b"{}")
    assert tried == [PUBLIC]
    assert failed.value.reason == "reset"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (httpx.ConnectError, "unreachable"),
        (httpx.ConnectTimeout, "unreachable"),
        (httpx.ReadTimeout, "timeout"),
        (httpx.RemoteProtocolError, "reset"),
    ],
)
async def test_failures_carry_no_url(outcome: type[httpx.TransportError], reason: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise outcome(f"cannot fetch {request.url}", request=request)

    async with fetching(VIDEOS, answer) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetched(fetcher, f"https://{HOST}/v.mp4{SECRET}")
    assert failed.value.reason == reason
    assert "secret" not in str(failed.value)


async def test_an_error_of_the_caller_passes_through_as_it_is() -> None:
    async with fetching(VIDEOS, Recorder()) as fetcher:
        with pytest.raises(KeyError, match="the caller's own"):
            async with fetcher.stream(f"https://{HOST}/v.mp4"):
                raise KeyError("the caller's own")


@pytest.mark.parametrize(
    "error", [KeyError("_id"), httpx.InvalidURL("?"), UnicodeError(), OSError()]
)
async def test_whatever_a_transport_raises_is_a_failure(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    async with fetching(VIDEOS, answer) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert failed.value.reason == "reset"


@pytest.mark.parametrize("fault", [OSError("no such name"), UnicodeError("label too long"), None])
async def test_a_name_that_does_not_resolve_is_a_failure(fault: Exception | None) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        if fault is not None:
            raise fault
        return ()

    async with fetching(VIDEOS, Recorder(), resolver=resolve) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert failed.value.reason == "unresolved"


async def test_only_the_exact_trusted_origin_may_be_plain_and_private() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, b"simulated"))

    async with serving(script) as server:
        policy = FetchPolicy(hosts=frozenset(), trusted_origins=frozenset({server.url}))
        async with fetching(policy, resolver=system_resolver) as fetcher:
            assert await fetched(fetcher, f"{server.url}/v.mp4") == b"simulated"
            for other in (
                f"http://localhost:{server.port}/",
                f"https://127.0.0.1:{server.port}/",
                f"http://127.0.0.1:{closed_port()}/",
                f"http://user@127.0.0.1:{server.port}/",
            ):
                with pytest.raises(Refused):
                    await fetched(fetcher, other)
    assert len(server.requests) == 1
    assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"


def _trusting_the_test_certificate() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "certificate.pem"))


async def test_tls_is_verified_for_the_name_although_the_address_is_connected_to() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, b"video"))

    async with serving(script, tls=True) as server:
        names = [f"https://{name}.test:{server.port}" for name in ("video", "other")]
        policy = FetchPolicy(hosts=frozenset(), trusted_origins=frozenset(names))
        async with fetching(
            policy, resolver=resolving("127.0.0.1"), verify=_trusting_the_test_certificate()
        ) as fetcher:
            # The certificate says video.test and nothing of 127.0.0.1.
            assert await fetched(fetcher, names[0] + "/v.mp4") == b"video"
            with pytest.raises(FetchFailed) as failed:
                await fetched(fetcher, names[1] + "/v.mp4")
            assert failed.value.reason == "unreachable"
    assert len(server.requests) == 1


async def test_a_body_that_breaks_off_inside_the_block_is_a_failure() -> None:
    begun = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, b"video" * 100)[:-10])
        await begun.wait()

    async with serving(script) as server:
        policy = FetchPolicy(hosts=None, trusted_origins=frozenset({server.url}))
        async with fetching(policy, resolver=system_resolver) as fetcher:
            received = bytearray()

            async def read_all() -> None:
                async with fetcher.stream(server.url + "/v.mp4") as response:
                    async for chunk in response.aiter_raw():
                        received.extend(chunk)
                        begun.set()

            with pytest.raises(FetchFailed) as failed:
                await read_all()
    assert received
    assert failed.value.reason == "reset"


@pytest.mark.parametrize("sent", [b"", http(200, b"video" * 100)[:-10]], ids=["head", "body"])
async def test_tls_that_breaks_after_its_handshake_is_a_failure(sent: bytes) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(sent)
        # A record that nobody encrypted.
        raw = connection.writer.get_extra_info("socket")
        os.write(raw.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
        await connection.until_hung_up()

    async with serving(script, tls=True) as server:
        origin = f"https://video.test:{server.port}"
        policy = FetchPolicy(hosts=None, trusted_origins=frozenset({origin}))
        async with fetching(
            policy, resolver=resolving("127.0.0.1"), verify=_trusting_the_test_certificate()
        ) as fetcher:
            with pytest.raises(FetchFailed) as failed:
                await fetched(fetcher, origin + "/v.mp4", method="POST", content=b"{}")
    assert failed.value.reason == "reset"


async def test_a_connection_that_is_reset_as_it_is_made_failed() -> None:
    def reset(_: httpx.Request) -> httpx.Response:
        # What anyio raises: it asks a socket that is gone for its peer.
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")

    async with fetching(VIDEOS, reset) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert failed.value.reason == "reset"
