"""Which paths of the upstream's a caller may see."""

from __future__ import annotations

import pytest

from app.domain.storage_keys import MAX_KEYS, storage_keys

KEY = "videos/2025_11_26_15_36_08_840_865624.mp4"
HOST = "https://s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        (KEY, KEY),
        (f"development/{KEY}", f"development/{KEY}"),
        ("videos/2026_03_01_12_07_08_9_379395187928737.mp4",) * 2,
        (f"{HOST}/asset.1min.ai/{KEY}?X-Amz-Signature=abc", KEY),
        (f"{HOST}/asset.1min.ai/development/{KEY}", f"development/{KEY}"),
        (f"https://asset.1min.ai/{KEY}#t=1", KEY),
        (f"{KEY}?X-Amz-Signature=abc\n", KEY),
    ],
)
def test_a_documented_key_is_shown_without_what_is_around_it(named: str, shown: str) -> None:
    assert storage_keys([named]) == (shown,)


@pytest.mark.parametrize(
    "named",
    [
        "teams/7a2b/zoe@example.com/v.mp4%3FX-Amz-Signature%3Dabc",
        f"teams/7a2b/{KEY}",
        f"{HOST}/teams/7a2b/{KEY}",
        f"{HOST}/asset.1min.ai/zoe@example.com/{KEY}",
        f"{KEY}%3FX-Amz-Signature%3Dabc",
        f"{KEY}/zoe@example.com",
        f"{KEY}\n",
        f" {KEY}",
        f"//evil.example/{KEY}",
        f"ftp://evil.example/{KEY}",
        f"../{KEY}",
        KEY.upper(),
        KEY.replace("865624", "zoe"),
        KEY.replace("865624", "8" * 100),
        KEY.replace("2025", "٢٠٢٥"),
        "videos/v.mp4",
        "",
        "v" * 1_000_000,
    ],
)
def test_nothing_else_is(named: str) -> None:
    assert storage_keys([named]) == ()


def test_ten_are_enough() -> None:
    many = [KEY.replace("865624", str(number)) for number in range(50_000)]
    assert storage_keys(["videos/v.mp4", *many]) == tuple(many[:MAX_KEYS])
    assert MAX_KEYS == 10
