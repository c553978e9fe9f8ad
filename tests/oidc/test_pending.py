"""What binds an issuer's answer to the browser that asked."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oidc.pending import LIFETIME, BegunSignIns, safe_return
from app.redaction import Redactor

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
SIGN_INS = BegunSignIns(b"one secret")


def test_a_cookie_gives_back_what_was_begun() -> None:
    cookie, begun = SIGN_INS.make("id", return_to="videos?tag=a%20b", afresh=True, now=NOW)
    assert SIGN_INS.read(cookie, now=NOW) == begun
    assert (begun.issuer_id, begun.return_to, begun.afresh) == ("id", "videos?tag=a%20b", True)
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    assert begun.challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert 43 <= len(begun.verifier) <= 128
    assert not {begun.state, begun.nonce, begun.verifier} & set(cookie.split("."))
    assert cookie not in Redactor([]).clean_text(f"cookie {cookie}")


def test_it_ends() -> None:
    cookie, begun = SIGN_INS.make("id", return_to="", afresh=False, now=NOW)
    last = NOW + LIFETIME - timedelta(seconds=1)
    assert SIGN_INS.read(cookie, now=last) == begun
    assert SIGN_INS.read(cookie, now=begun.until) is None


def test_each_is_another_and_only_its_gateway_knows_it() -> None:
    made = [SIGN_INS.make("id", return_to="", afresh=False, now=NOW) for _ in range(50)]
    for field in ("state", "nonce", "verifier", "digest"):
        assert len({getattr(begun, field) for _, begun in made}) == 50
    cookie, begun = made[0]
    assert len({begun.state, begun.nonce, begun.verifier}) == 3
    assert BegunSignIns(b"another secret").read(cookie, now=NOW) is None


@given(st.integers(0, 199), st.sampled_from("ABab01_-"))
def test_a_changed_cookie_is_none(at: int, put: str) -> None:
    cookie, begun = SIGN_INS.make("id", return_to="videos", afresh=False, now=NOW)
    at %= len(cookie)
    changed = cookie[:at] + put + cookie[at + 1 :]
    found = SIGN_INS.read(changed, now=NOW)
    # The last character has bits that mean nothing.
    assert found is None or found == begun


@pytest.mark.parametrize("cookie", ["", "rg_begun_", "rg_begun_AAAA", "x" * 5_000, "rg_begun_ü",
                                    "rg_begun_" + "A" * 200])  # fmt: skip
def test_what_is_no_cookie_of_ours(cookie: str) -> None:
    assert SIGN_INS.read(cookie, now=NOW) is None


@pytest.mark.parametrize(
    "path", ["", "videos", "videos/1?x=1&y=a%2Fb", "play?prompt=a%20b", "desk/teams/a..b"]
)
def test_a_page_of_ours_is_returned_to(path: str) -> None:
    assert safe_return(path) == path


@pytest.mark.parametrize(
    "path",
    ["/", "//evil.example.com", "../media/1", "a/../../b", "%2e%2e/media", "a/%2E%2E/b", "\\evil",
     "a\\b", "a%5c..%5cb", "a b", "a\r\nX: y", "a#b", "a//b", "https://evil.example.com", "ü",
     "a" * 1_501, "a/./b", "..%2fmedia", "%"],
)  # fmt: skip
def test_no_other_place_is(path: str) -> None:
    assert safe_return(path) == ""


@given(st.text(alphabet="./\\%25eEfF:@?#a&=;~ \t", max_size=30))
def test_whatever_is_asked_for_stays_below_the_pages(path: str) -> None:
    page = urljoin("https://gateway.example.com/", f"/app/{safe_return(path)}")
    parts = urlsplit(page)
    assert (parts.netloc, parts.path.startswith("/app/")) == ("gateway.example.com", True)
