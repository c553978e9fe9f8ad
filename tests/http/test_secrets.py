"""Keys and signed links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from hypothesis import given
from hypothesis import strategies as st

from app.secrets import THUMBNAIL, LinkSigner, digest_of, fingerprint_of, make_key

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ONE = LinkSigner(b"one secret, long enough for anybody", base_url="https://gateway.example")
OTHER = LinkSigner(b"another secret, long enough as well", base_url="https://gateway.example")


def valid(signer: LinkSigner, link: str, *, now: datetime, of: UUID) -> bool:
    query = httpx.URL(link).params
    return signer.valid(of, expires=query["expires"], signature=query["sig"], now=now)


@given(st.uuids(), st.uuids(), st.integers(1, 10**8), st.integers(0, 10**8))
def test_a_link_opens_its_own_generation_until_its_end_and_for_its_own_signer(
    generation: UUID, stranger: UUID, seconds: int, later: int
) -> None:
    link = ONE.link(generation, now=NOW, seconds=seconds)
    assert link.startswith(f"https://gateway.example/media/{generation}.mp4?")
    then = NOW + timedelta(seconds=later)
    assert valid(ONE, link, now=then, of=generation) is (later < seconds)
    assert not valid(OTHER, link, now=NOW, of=generation)
    assert valid(ONE, link, now=NOW, of=stranger) is (stranger == generation)


@given(st.uuids())
def test_a_link_to_a_thumbnail_opens_no_video_and_the_other_way_round(generation: UUID) -> None:
    video, picture = (
        ONE.link(generation, now=NOW, seconds=60, **how) for how in ({}, {"ending": THUMBNAIL})
    )
    assert picture.startswith(f"https://gateway.example/media/{generation}.webp?")
    assert valid(ONE, video, now=NOW, of=generation)
    assert not valid(ONE, picture, now=NOW, of=generation)
    for link, right in ((video, False), (picture, True)):
        query = httpx.URL(link).params
        assert right is ONE.valid(
            generation, expires=query["expires"], signature=query["sig"], now=NOW, ending=THUMBNAIL
        )


@given(st.uuids(), st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_was_not_signed_is_valid_and_nothing_makes_a_fault(
    generation: UUID, expires: str, signature: str
) -> None:
    assert not ONE.valid(generation, expires=expires, signature=signature, now=NOW)
    real = httpx.URL(ONE.link(generation, now=NOW, seconds=60)).params
    assert not ONE.valid(generation, expires=expires, signature=real["sig"], now=NOW)
    assert not ONE.valid(generation, expires=real["expires"], signature=signature, now=NOW)


def test_a_key_is_shown_once_and_kept_as_a_hash() -> None:
    keys = [make_key() for _ in range(100)]
    assert len({key.secret for key in keys}) == 100
    for key in keys:
        assert key.secret.startswith("rg_")
        assert len(key.secret) == 43
        assert key.prefix == key.secret[:11]
        assert key.digest == digest_of(key.secret)
        assert key.secret not in repr(key)


def test_a_fingerprint_tells_upstream_keys_apart_and_does_not_tell_them() -> None:
    assert fingerprint_of("key-one") != fingerprint_of("key-two")
    assert fingerprint_of("key-one") == fingerprint_of("key-one")
    assert "key-one" not in fingerprint_of("key-one")
