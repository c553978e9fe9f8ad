"""Decodes the content codings of an answer (RFC 9110, 8.4.1) up to a bound. Pure.

Requests ask for plain bytes, so a compressed answer comes from a cache, a filter, or an attack that
expands to gigabytes.
"""

from __future__ import annotations

import zlib

#: More codings, or gzip members, than anybody uses: each costs another pass.
MAX_LAYERS = 4
MAX_MEMBERS = 16
_PIECE_BYTES = 65_536
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_DEFLATE = -zlib.MAX_WBITS


class Unreadable(ValueError):
    """It is not in the coding that its headers declare."""


class TooLarge(ValueError):
    """It decodes to more than is allowed."""


def unpacked(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes:
    """The decoded body. Unknown codings are ignored, since the bytes will show what they are.
    Raises `Unreadable` and `TooLarge`."""
    codings = [name.strip().lower() for name in content_encoding.split(",")]
    layers = [name for name in codings if name in ("gzip", "x-gzip", "deflate")]
    if len(layers) > MAX_LAYERS:
        raise Unreadable(f"packed {len(layers)} times")
    for coding in reversed(layers) if body else ():
        try:
            body = _without(coding, body, max_bytes)
        except zlib.error:
            raise Unreadable(f"not {coding}") from None
    return body


def _without(coding: str, packed: bytes, most: int) -> bytes:
    # Senders disagree on whether `deflate` has the zlib header that RFC 9110 asks for.
    raw = coding == "deflate" and (not packed or packed[0] & 0x0F != zlib.DEFLATED)
    bits = _DEFLATE if raw else _ZLIB if coding == "deflate" else _GZIP
    found = bytearray()
    # A gzip body may have several members (RFC 1952, 2.2).
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(bits)
        while not unpacker.eof:
            piece = unpacker.decompress(packed, _PIECE_BYTES)
            packed = unpacker.unconsumed_tail
            if not piece and not unpacker.eof:
                raise Unreadable("it breaks off")
            found += piece
            if len(found) > most:
                raise TooLarge(f"more than {most} bytes")
        packed = unpacker.unused_data
        if not packed or bits != _GZIP:
            return bytes(found)
    raise Unreadable(f"more than {MAX_MEMBERS} members")
