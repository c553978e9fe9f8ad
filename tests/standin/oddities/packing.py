"""Bodies that are packed, twice packed, falsely labelled, or far larger than they look."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from tests.standin.answers import Answer
from tests.standin.script import Oddity, Scene

_BOMB_MEGABYTES = 1_500
_PADDING_MEGABYTES = 64
_MEGABYTE = 1024 * 1024
_SPACES = b" " * _MEGABYTE
#: Of a gzip member without a name.
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def _packed(name: str, label: bytes | None, pack: Callable[[bytes], bytes]) -> Oddity:
    def odd(answer: Answer, _: Scene) -> Answer:
        labelled = answer.with_headers((b"Content-Encoding", label)) if label else answer
        return replace(labelled, body=pack(answer.body))

    return Oddity(name=name, answer=odd)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def brotli(body: bytes) -> bytes:
    """Stored, not compressed: RFC 7932, section 9.2. Each block holds up to 65,536 bytes."""
    blocks, first = [], True
    for at in range(0, len(body), 65_536):
        part = body[at : at + 65_536]
        # ISLAST 0, MNIBBLES 4, MLEN - 1, ISUNCOMPRESSED 1; the first has WBITS 16 in front.
        bits, width = (len(part) - 1) << 3 | 1 << 19, 20
        if first:
            bits, width, first = bits << 1, width + 1, False
        blocks.append(bits.to_bytes((width + 7) // 8, "little") + part)
    return b"".join(blocks) + (b"\x03" if blocks else b"\x06")


@cache
def bomb() -> bytes:
    """Gzip of 1.5 GB in 1.5 MB. A full flush makes each megabyte stand by itself, so that one of
    them can be repeated instead of being packed again and again."""
    # Nobody comes as far as the sum of it.
    return _HEAD + _flushed(_SPACES) * _BOMB_MEGABYTES + b"\x03\x00" + struct.pack("<II", 0, 0)


def _flushed(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


@cache
def bomb_twice() -> bytes:
    return gzip.compress(bomb(), mtime=0)


def _padded(body: bytes) -> bytes:
    """The same document with 64 MB of spaces behind it, packed."""
    data = _HEAD + _flushed(body) + _flushed(_SPACES) * _PADDING_MEGABYTES + b"\x03\x00"
    checksum = zlib.crc32(body)
    for _ in range(_PADDING_MEGABYTES):
        checksum = zlib.crc32(_SPACES, checksum)
    return data + struct.pack("<II", checksum, len(body) + _PADDING_MEGABYTES * _MEGABYTE)


ODDITIES = (
    _packed("gzip", b"gzip", gzip.compress),
    _packed("gzip_old_name", b"x-gzip", gzip.compress),
    _packed("gzip_upper_case", b"GZip", gzip.compress),
    _packed(
        "gzip_members", b"gzip", lambda body: gzip.compress(body[:99]) + gzip.compress(body[99:])
    ),
    _packed("gzip_tail", b"gzip", lambda body: gzip.compress(body) + b"\x00\x00garbage"),
    _packed("gzip_cut", b"gzip", lambda body: gzip.compress(body)[:-12]),
    _packed("gzip_damaged", b"gzip", lambda body: gzip.compress(body)[:-8] + b"\x00" * 8),
    _packed("gzip_of_nothing", b"gzip", lambda _: b""),
    _packed("gzip_untrue", b"gzip", lambda body: body),
    _packed("gzip_unlabelled", None, gzip.compress),
    _packed("gzip_gzip", b"gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    _packed("gzip_of_64_mb", b"gzip", _padded),
    _packed("gzip_bomb", b"gzip", lambda _: bomb()),
    _packed("gzip_gzip_bomb", b"gzip, gzip", lambda _: bomb_twice()),
    _packed("gzip_hundred_times", b", ".join([b"gzip"] * 100), lambda _: bomb_twice()),
    _packed("deflate", b"deflate", zlib.compress),
    _packed("deflate_raw", b"deflate", raw_deflate),
    _packed("brotli", b"br", brotli),
    _packed("zstd_untrue", b"zstd", lambda body: b"\x28\xb5\x2f\xfd" + body),
    _packed("identity", b"identity", lambda body: body),
    _packed("encoding_unknown", b"aws-chunked", lambda body: body),
    _packed("encoding_bytes", b"gz\xe9p", lambda body: body),
)
