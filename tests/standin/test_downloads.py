"""The bucket: films of their own, ranges, signatures."""

from __future__ import annotations

import io

import av
import pytest

from tests.standin import raw
from tests.standin.films import film_for, sha256, size_of
from tests.standin.raw import KEY, create, exchange, get, status
from tests.standin.server import StandIn


async def target(stand_in: StandIn, prompt: str = raw.PROMPT) -> str:
    """The target of the link of a video that is ready."""
    answer = await exchange(stand_in, create(prompt, asynchronous=False))
    return str(raw.record(answer)["temporaryUrl"]).removeprefix(stand_in.address)


def content_range(answer: bytes) -> bytes:
    return answer.partition(b"Content-Range: ")[2].partition(b"\r\n")[0]


async def test_each_prompt_has_a_film_of_its_own(stand_in: StandIn) -> None:
    films = [
        raw.body(await exchange(stand_in, get(await target(stand_in, prompt), key="")))
        for prompt in ("one", "two")
    ]
    assert films == [film_for(raw.asked(prompt)) for prompt in ("one", "two")]
    assert sha256(films[0]) != sha256(films[1])
    assert all(film[4:12] == b"ftypisom" for film in films)


@pytest.mark.parametrize(
    ("aspect_ratio", "resolution", "size"),
    [("1:1", "720p", (720, 720)), ("9:16", "1080p", (1080, 1920)), ("21:9", "720p", (1680, 720))],
)
def test_a_film_has_the_size_and_the_length_that_were_asked_for(
    aspect_ratio: str, resolution: str, size: tuple[int, int]
) -> None:
    assert size_of(aspect_ratio, resolution) == size
    film = film_for(raw.asked(aspectRatio=aspect_ratio, resolution=resolution))
    with av.open(io.BytesIO(film), "r") as container:
        (stream,) = container.streams.video
        assert (stream.width, stream.height) == size
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == 5.0
        assert len(list(container.decode(stream))) == 10


async def test_a_range_is_the_part_that_is_asked_for(stand_in: StandIn) -> None:
    link, film = await target(stand_in), film_for(raw.asked())
    parts = {
        "bytes=0-99": film[:100], "bytes=100-": film[100:], "bytes=-7": film[-7:],
        "bytes=10-999999999": film[10:],
    }  # fmt: skip
    for asked, part in parts.items():
        answer = await exchange(stand_in, get(link, headers=[f"Range: {asked}"]))
        assert (status(answer), raw.body(answer)) == (206, part)
        assert content_range(answer).endswith(b"/%d" % len(film))
    answer = await exchange(stand_in, get(link, headers=["Range: bytes=999999999-"]))
    assert (status(answer), content_range(answer)) == (416, b"bytes */%d" % len(film))


async def test_only_a_signed_get_of_what_exists_is_answered(stand_in: StandIn) -> None:
    link = await target(stand_in)
    assert status(await exchange(stand_in, get(link.partition("?")[0]))) == 403
    assert status(await exchange(stand_in, get(link.replace("Signature=", "Signature=0")))) == 403
    assert status(await exchange(stand_in, get(link, method="HEAD"))) == 403
    expired = link.replace("X-Amz-Date=20", "X-Amz-Date=19")
    assert status(await exchange(stand_in, get(expired))) == 403
    assert b"NoSuchKey" in await exchange(
        stand_in, get(_signed(stand_in, "videos/2025_11_26_15_36_08_840_865624.mp4"))
    )


def _signed(stand_in: StandIn, path: str) -> str:
    record = stand_in.shelf.made_for(raw.PROMPT)[0]
    record.path, right = path, record.path
    link = stand_in.shelf.link(record)
    record.path = right
    return link.removeprefix(stand_in.address)


async def test_a_film_is_not_there_before_it_is_ready(stand_in: StandIn) -> None:
    stand_in.render_seconds = float("inf")
    await exchange(stand_in, create())
    (record,) = stand_in.shelf.made_for(raw.PROMPT)
    link = stand_in.shelf.link(record).removeprefix(stand_in.address)
    assert b"NoSuchKey" in await exchange(stand_in, get(link, key=KEY))
