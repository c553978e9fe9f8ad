"""Where a body ends, said oddly, falsely or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.standin.answers import Answer, Framing, chunked, encode, head
from tests.standin.script import Oddity
from tests.standin.wire import Wire

_LENGTH, _CHUNKED = b"Content-Length", (b"Transfer-Encoding", b"chunked")
#: Another request's record, where a client looks for the next answer.
_SECOND = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n"
    b'{"aiRecord": null}'
)


async def _and_close(wire: Wire, data: bytes) -> None:
    await wire.send(data)
    wire.finish()


def _framed(name: str, framing: Framing, version: bytes = b"HTTP/1.1") -> Oddity:
    return Oddity(
        name=name,
        answer=lambda answer, _: replace(answer, framing=framing, version=version),
    )


def _chunks(
    name: str, head_of: Callable[[int], bytes], *, size: int = 64, trailers: bytes = b""
) -> Oddity:
    return Oddity(
        name=name,
        encode=lambda answer: (
            head(answer, _CHUNKED)
            + chunked(answer.body, size=size, head_of=head_of, trailers=trailers)
        ),
    )


def _lengths(name: str, *values: Callable[[int], bytes]) -> Oddity:
    """Each makes a Content-Length of the true one. The connection ends behind the body, so that
    nobody waits for what is not coming."""

    def odd(answer: Answer) -> bytes:
        length = len(answer.body)
        return head(answer, *((_LENGTH, value(length)) for value in values)) + answer.body

    return Oddity(name=name, encode=odd, send=_and_close)


def _broken_chunks(name: str, change: Callable[[bytes], bytes]) -> Oddity:
    def odd(answer: Answer) -> bytes:
        return head(answer, _CHUNKED) + change(chunked(answer.body))

    return Oddity(name=name, encode=odd, send=_and_close)


def _number(value: int) -> bytes:
    return b"%d" % value


def _status_without_body(name: str, status: int) -> Oddity:
    """The body is there all the same, and its length too."""
    return Oddity(name=name, answer=lambda answer, _: replace(answer, status=status, reason=None))


ODDITIES = (
    _framed("close_without_length", Framing.CLOSE),
    _framed("close_without_length_1_0", Framing.CLOSE, b"HTTP/1.0"),
    _framed("chunked", Framing.CHUNKED),
    _chunks("chunk_extensions", lambda n: b'%x;name=value;quoted="a;b\\"c" ; lone' % n),
    _chunks("chunk_extension_bytes", lambda n: b"%x;\xe9=\xff" % n),
    _chunks("chunk_extension_of_8_kb", lambda n: b"%x;e=%s" % (n, b"e" * 8_192), size=512),
    _chunks("chunks_of_one_byte", b"%x".__mod__, size=1),
    _chunks("chunk_zeroes", lambda n: b"0000%X" % n),
    _chunks("chunk_trailers", b"%x".__mod__, trailers=b"Set-Cookie: a=\xe9\r\nX-Note: t\r\n"),
    _chunks("chunk_size_word", lambda _: b"zz"),
    _chunks("chunk_size_negative", lambda n: b"-%x" % n),
    _chunks("chunk_size_prefixed", lambda n: b"0x%x" % n),
    _chunks("chunk_size_huge", lambda _: b"F" * 20),
    _broken_chunks("chunks_without_end", lambda data: data.removesuffix(b"0\r\n\r\n")),
    _broken_chunks("chunks_cut", lambda data: data[: len(data) // 2]),
    Oddity(
        name="chunked_and_length",
        encode=lambda answer: head(answer, _CHUNKED, (_LENGTH, b"7")) + chunked(answer.body),
        send=_and_close,
    ),
    Oddity(
        name="transfer_encoding_unknown",
        encode=lambda answer: head(answer, (b"Transfer-Encoding", b"xchunked")) + answer.body,
        send=_and_close,
    ),
    _lengths("length_twice", _number, _number),
    _lengths("length_list", lambda n: b"%d, %d" % (n, n)),
    _lengths("length_contradicted", _number, lambda n: b"%d" % (n - 20)),
    _lengths("length_short", lambda n: b"%d" % (n - 20)),
    _lengths("length_long", lambda n: b"%d" % (n + 20)),
    _lengths("length_plus", lambda n: b"+%d" % n),
    _lengths("length_negative", lambda n: b"-%d" % n),
    _lengths("length_hexadecimal", lambda n: b"0x%x" % n),
    _lengths("length_huge", lambda _: b"9" * 25),
    _lengths("length_empty", lambda _: b""),
    _status_without_body("body_after_204", 204),
    _status_without_body("body_after_304", 304),
    _status_without_body("body_after_205", 205),
    Oddity(name="two_answers", encode=lambda answer: encode(answer) + _SECOND),
    Oddity(name="bytes_behind", encode=lambda answer: encode(answer) + b"\r\n\r\n\x00garbage"),
    Oddity(name="kept_alive_and_closed", send=_and_close),
)
