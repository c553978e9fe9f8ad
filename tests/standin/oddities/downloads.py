"""Downloads that are not the film: cut, slow, something else, or made to hurt whoever opens it."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

from tests.standin import films, storage
from tests.standin.answers import Answer, Framing, encode, html_answer
from tests.standin.script import Oddity, Scene
from tests.standin.wire import Wire

_ENDLESS_BLOCK = b"\x00" * 65_536
_POISON_SIDE = 12_000
_HTML = b"<!DOCTYPE html><html>Please wait</html>"
_HEAD_ONLY = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
_BOX_OF_4_GB = b"\x00\x00\x00\x20ftypisom" + bytes(20) + b"\xff\xff\xff\xffmoov"
_BOXES_EMPTY = b"\x00\x00\x00\x08ftyp" + b"\x00\x00\x00\x08moov" * 50_000
#: Whole files that are no films.
DAMAGED_FILMS = (_HTML, b"", _HEAD_ONLY, bytes(100_000), _BOX_OF_4_GB, _BOXES_EMPTY)


def _film(name: str, change: bytes | None, *, content_type: bytes = b"video/mp4") -> Oddity:
    """These bytes, whole and well delivered; None: none at all."""
    return Oddity(
        name=name,
        answer=lambda _answer, _scene: Answer(
            status=200, body=change or b"", headers=((b"Content-Type", content_type),)
        ),
    )


def _cut(answer: Answer, _: Scene) -> Answer:
    """At 60 %, and the end of the connection is the only sign of it."""
    return replace(answer, body=answer.body[: len(answer.body) * 6 // 10], framing=Framing.CLOSE)


def _open_ended(answer: Answer, scene: Scene) -> Answer:
    """The index first and then a box that lasts until the end of the file, which is missing."""
    film, at = answer.body, answer.body.find(b"mdat") - 4
    return _cut(replace(answer, body=film[:at] + b"\x00\x00\x00\x00" + film[at + 4 :]), scene)


def _cut_with_length(answer: Answer, _: Scene) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) * 6 // 10])


async def _cut_and_close(wire: Wire, data: bytes) -> None:
    await wire.send(data[: len(data) * 6 // 10])
    wire.finish()


async def _cut_and_reset(wire: Wire, data: bytes) -> None:
    await wire.send(data[: len(data) // 2])
    await asyncio.sleep(0.02)
    wire.reset()


async def _byte_by_byte(wire: Wire, data: bytes) -> None:
    """The head, and then one byte a second."""
    end = data.find(b"\r\n\r\n") + 4
    await wire.send(data[:end])
    await wire.drip(data[end:], every=1.0)


async def _endless(wire: Wire, data: bytes) -> None:
    await wire.send(data)
    while True:
        await wire.send(_ENDLESS_BLOCK)


def _unasked_range(answer: Answer, _: Scene) -> Answer:
    """The second half, as an answer to a request for all of it."""
    half = len(answer.body) // 2
    span = b"bytes %d-%d/%d" % (half, len(answer.body) - 1, len(answer.body))
    part = replace(answer, status=206, reason=None, body=answer.body[half:])
    return part.with_headers((b"Content-Range", span))


def _another_film(answer: Answer, scene: Scene) -> Answer:
    """A whole film, which is another generation's."""
    assert scene.record is not None
    other = scene.another(scene.record)
    if other is None:
        return answer
    return replace(answer, body=films.film_for(other.asked["promptObject"]))


def _xml(name: str, status: int, code: str) -> Oddity:
    return Oddity(name=name, answer=lambda _answer, _scene: storage.xml_error(status, code))


def _poison(_answer: Answer, _scene: Scene) -> Answer:
    """A PNG in an MP4: 12,000 by 12,000 pixels in a file of 2 MB, 430 MB once decoded."""
    film = films.plain_film(_POISON_SIDE, _POISON_SIDE, 0, "png")
    return Answer(status=200, body=film, headers=((b"Content-Type", b"video/mp4"),))


ODDITIES = (
    Oddity(name="film_cut", answer=_cut),
    Oddity(name="film_open_ended_cut", answer=_open_ended),
    Oddity(name="film_cut_with_length", answer=_cut_with_length),
    Oddity(name="film_broken_off", send=_cut_and_close),
    Oddity(name="film_reset", send=_cut_and_reset),
    Oddity(name="film_byte_by_byte", send=_byte_by_byte),
    Oddity(
        name="film_endless",
        answer=lambda answer, _: replace(answer, framing=Framing.CLOSE),
        send=_endless,
    ),
    Oddity(name="film_longer_than_said", encode=lambda answer: encode(answer) + b"more" * 99),
    Oddity(name="film_unasked_range", answer=_unasked_range),
    Oddity(name="film_of_another", answer=_another_film),
    Oddity(
        name="film_packed",
        answer=lambda answer, _: replace(answer, body=gzip.compress(answer.body)).with_headers(
            (b"Content-Encoding", b"gzip")
        ),
    ),
    _film("film_empty", None),
    _film("film_html", _HTML),
    _film("film_html_in_html", html_answer(200, "wait").body, content_type=b"text/html"),
    _film("film_head_only", _HEAD_ONLY),
    _film("film_zeroes", bytes(100_000)),
    _film("film_box_of_4_gb", _BOX_OF_4_GB),
    _film("film_boxes_empty", _BOXES_EMPTY),
    Oddity(name="film_poison", answer=_poison),
    _xml("film_403", 403, "AccessDenied"),
    _xml("film_404", 404, "NoSuchKey"),
    _xml("film_503", 503, "SlowDown"),
    _xml("film_416", 416, "InvalidRange"),
)
