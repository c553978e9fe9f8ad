"""Answers of the 100s, which come before the one that counts."""

from __future__ import annotations

from tests.standin.answers import Answer, encode
from tests.standin.script import Oddity
from tests.standin.wire import Wire


def _before(name: str, lines: bytes, *, times: int = 1) -> Oddity:
    def odd(answer: Answer) -> bytes:
        return (lines + b"\r\n\r\n") * times + encode(answer)

    return Oddity(name=name, encode=odd)


async def _and_close(wire: Wire, data: bytes) -> None:
    await wire.send(data)
    wire.finish()


_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </elsewhere/hint>; rel=preload"

ODDITIES = (
    _before("informational_100", b"HTTP/1.1 100 Continue"),
    _before("informational_102", b"HTTP/1.1 102 Processing", times=3),
    _before("informational_103", _HINTS),
    _before("informational_bytes", b"HTTP/1.1 103 \xe9\r\nSet-Cookie: a=\xe9\r\nX-Note: \xff"),
    _before("informational_199", b"HTTP/1.1 199 Odd"),
    _before("informational_with_length", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0"),
    _before("informational_5000", _HINTS, times=5_000),
    _before("switching_protocols", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"),
    Oddity(name="informational_only", encode=lambda _: _HINTS + b"\r\n\r\n", send=_and_close),
)
