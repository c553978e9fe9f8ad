"""What each oddity claims is on the wire, byte for byte."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import partial

import pytest

from tests.standin import raw
from tests.standin.oddities import ODDITIES, packing
from tests.standin.raw import PROMPT, create, exchange, get
from tests.standin.script import Point
from tests.standin.server import StandIn

#: Last for minutes or for ever, or are about a film.
SLOW = frozenset(
    {
        "hang", "hang_unread", "last_byte_missing", "half_closed", "slow_head", "slow_body",
        "never_ready", "film_byte_by_byte", "film_endless", "film_poison",
    }
)  # fmt: skip
BOMBS = frozenset({"gzip_bomb", "gzip_gzip_bomb", "gzip_hundred_times", "gzip_of_64_mb"})
QUICK = sorted(ODDITIES.keys() - SLOW - BOMBS)


async def met(stand_in: StandIn, name: str, *more: bytes) -> bytes:
    """The bytes of the answer to a create that meets it."""
    stand_in.script.on(Point.POST, ODDITIES[name], prompt=PROMPT)
    return await exchange(stand_in, *more, create())


@pytest.mark.parametrize("name", QUICK)
async def test_every_oddity_strikes_once_and_spares_the_next(stand_in: StandIn, name: str) -> None:
    """As the answer to a create, to a look, and to a download."""
    plain = raw.record(await exchange(stand_in, create("another", asynchronous=False)))
    for point in Point:
        stand_in.script.on(point, ODDITIES[name], prompt=PROMPT)
    await exchange(stand_in, create(asynchronous=False))
    record = next(iter(stand_in.shelf.made_for(PROMPT)), None)
    if record is not None:
        link = stand_in.shelf.link(record).removeprefix(stand_in.address)
        for target in (f"/api/results/{record.uuid}", link):
            await exchange(stand_in, get(target))
    points = 1 if record is None else 3 if record.failure is None else 2
    assert stand_in.journal.met == {name: points}
    assert stand_in.journal.posts[-1].oddities == (name,)
    again = raw.record(await exchange(stand_in, create("another", asynchronous=False)))
    assert again.keys() == plain.keys()
    assert again["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("cookie_byte", b"\r\nSet-Cookie: a=\xe9\r\n"),
        ("cookie_malformed", b"\r\nSet-Cookie: ;;=;\x80=\xff; expires=\xfe; Max-Age=nan\r\n"),
        ("header_bytes", b"\r\nX-Note: \xff\xfe caf\xe9\r\n"),
        ("header_twice", b"\r\nContent-Type: text/html\r\nDate: x\r\nDate: y\r\n"),
        ("header_folded", b"\r\nX-Note: one\r\n\ttwo\r\n  three\r\n\r\n{"),
        ("header_without_colon", b"\r\nthis is no header\r\n"),
        ("header_with_nul", b"\r\nX-Note: a\x00b\r\n"),
        ("location_at_200", b"\r\nLocation: javascript:alert(1)\r\n"),
        ("reason_bytes", b"HTTP/1.1 200 \xe9t\xe9\r\n"),
        ("reason_missing", b"HTTP/1.1 200\r\n"),
        ("http_1_0", b"HTTP/1.0 200 OK\r\n"),
        ("bare_line_feeds", b"200 OK\nContent-Type: "),
        ("informational_102", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
        ("informational_103", b"rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"),
        ("chunk_extensions", b'\r\n\r\n40;name=value;quoted="a;b\\"c" ; lone\r\n{"aiRecord"'),
        ("chunk_zeroes", b"\r\n\r\n000040\r\n"),
        ("chunk_trailers", b"\r\n0\r\nSet-Cookie: a=\xe9\r\nX-Note: t\r\n\r\n"),
        ("chunks_of_one_byte", b'1\r\n{\r\n1\r\n"\r\n1\r\na\r\n'),
        ("length_plus", b"\r\nContent-Length: +"),
        ("length_huge", b"\r\nContent-Length: 9999999999999999999999999\r\n\r\n{"),
        ("two_answers", b'}HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'),
        ("byte_order_mark", b'\r\n\r\n\xef\xbb\xbf{"aiRecord"'),
        ("nan", b'"rating":NaN,'),
        ("number_1e999", b'"creditLimit":1e999,'),
        ("number_of_400_digits", b'"usedCredit":' + b"9" * 400 + b","),
        ("record_twice", b'{"aiRecord":null,"aiRecord":{"uuid"'),
        ("uuid_twice", b'"uuid":"00000000-0000-4000-8000-000000000000","uuid":"'),
        ("surrogates_and_nul", b'"metadata":"\\ud800 \\u0000 \\udfff"'),
        ("uuid_with_nul", b"06e92293-ee32\\u0000-47d7"),
        ("failure_with_nul", b'"code":"A\\u0000B","message":"\\u0000\\ud800 \\u001b[31m"'),
        ("redirect_script", b"HTTP/1.1 301 Moved Permanently\r\n"),
        ("redirect_307_script", b"\r\nLocation: javascript:alert(1)\r\nContent-Length"),
        ("redirect_307_script_lost", b"<title>Moved</title>"),
        ("redirect_byte", b"\r\nLocation: http://caf\xe9.example/\xff\r\n"),
        ("bare_400", b'{"statusCode":400,"message":["promptObject.prompt is invalid"],'),
        ("limited_superscript", b"\r\nRetry-After: \xb2\r\n"),
        ("edge_524", b"HTTP/1.1 524 \r\n"),
        ("body_after_204", b'HTTP/1.1 204 No Content\r\nContent-Type: application/json'),
        ("record_with_202", b'HTTP/1.1 202 Accepted\r\n'),
    ],
)  # fmt: skip
async def test_the_bytes_are_those_of_the_name(stand_in: StandIn, name: str, sent: bytes) -> None:
    assert sent in await met(stand_in, name)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("length_twice", (0, 0)), ("length_contradicted", (0, -20)), ("length_short", (-20,)),
        ("length_long", (20,)), ("kept_alive_and_closed", (0,)), ("body_after_204", (0,)),
    ],
)  # fmt: skip
async def test_lengths_are_wrong_by_so_much(
    stand_in: StandIn, name: str, by: tuple[int, ...]
) -> None:
    answer = await met(stand_in, name)
    head, _, body = answer.partition(b"\r\n\r\n")
    said = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    assert said == [b"Content-Length: %d" % (len(body) + each) for each in by]


async def test_a_body_without_length_ends_with_the_connection(stand_in: StandIn) -> None:
    for name in ("close_without_length", "close_without_length_1_0"):
        # The connection would be kept: it is the server that closes it.
        stand_in.script.on(Point.POST, ODDITIES[name])
        answer = await exchange(stand_in, create(closes=False))
        assert b"Content-Length" not in answer
        assert raw.record(answer)["status"] == "PROCESSING"


@pytest.mark.parametrize(
    ("name", "unpack"),
    [
        ("gzip", gzip.decompress),
        ("gzip_old_name", gzip.decompress),
        ("gzip_members", gzip.decompress),
        ("gzip_unlabelled", gzip.decompress),
        ("gzip_gzip", lambda body: gzip.decompress(gzip.decompress(body))),
        ("deflate", zlib.decompress),
        ("deflate_raw", partial(zlib.decompress, wbits=-15)),
        ("gzip_of_64_mb", gzip.decompress),
    ],
)
async def test_packed_bodies_unpack_to_the_document(
    stand_in: StandIn, name: str, unpack: object
) -> None:
    assert callable(unpack)
    body = unpack(raw.body(await met(stand_in, name)))
    assert json.loads(body)["aiRecord"]["status"] == "PROCESSING"
    assert len(body) > (64 * 2**20 if name == "gzip_of_64_mb" else 0)


def test_a_bomb_of_1_5_gb_is_small_and_unpacks() -> None:
    assert len(packing.bomb_twice()) < 20_000
    assert len(packing.bomb()) < 2_000_000
    assert gzip.decompress(packing.bomb_twice()) == packing.bomb()
    unpacker, size, data = zlib.decompressobj(wbits=31), 0, packing.bomb()
    while size < 3_000_000:
        size += len(unpacker.decompress(data, 1_000_000))
        data = unpacker.unconsumed_tail
    assert not unpacker.eof


def test_brotli_is_stored_blocks() -> None:
    # RFC 7932, 9.1 and 9.2: WBITS 16, then one block of 3 bytes that is not compressed.
    assert packing.brotli(b"abc") == bytes((0b0010_0000, 0b0000_0000, 0b0001_0000)) + b"abc\x03"


async def test_a_reset_is_a_reset_and_a_close_is_a_close(stand_in: StandIn) -> None:
    assert await met(stand_in, "reset") == b"RESET"
    assert await met(stand_in, "closed") == b""
    assert (await met(stand_in, "reset_in_status_line")) == b"HTTP/1.RESET"
    head, _, body = (await met(stand_in, "reset_in_body")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (len(body), body[-5:]) == (45, b"RESET")


async def test_a_record_that_was_reset_is_billed_unless_it_was_unread(stand_in: StandIn) -> None:
    await met(stand_in, "reset")
    await met(stand_in, "reset_unread")
    first, second = stand_in.journal.posts
    assert (first.billed, second.billed) == (stand_in.price, 0)
    assert (first.repeatable, second.repeatable) == (False, False)


async def test_slow_bytes_come_one_by_one(stand_in: StandIn) -> None:
    stand_in.script.on(Point.POST, ODDITIES["slow_head"])
    reader, writer = await raw.connect(stand_in)
    writer.write(create())
    assert [await reader.read(100) for _ in range(3)] == [b"H", b"T", b"T"]
    writer.close()
