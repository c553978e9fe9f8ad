"""Odd status lines and headers, around a document that is whole and right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.standin.answers import Answer, encode
from tests.standin.script import Oddity, Scene


def _headers(name: str, *headers: tuple[bytes, bytes]) -> Oddity:
    return Oddity(name=name, answer=lambda answer, _: answer.with_headers(*headers))


def _line(name: str, line: bytes) -> Oddity:
    """A line of the head that no pair of name and value makes."""
    return _head(name, lambda head: head + b"\r\n" + line)


def _head(name: str, change: Callable[[bytes], bytes]) -> Oddity:
    """`change` is given the head without its empty line."""

    def odd(answer: Answer) -> bytes:
        head, _, body = encode(answer).partition(b"\r\n\r\n")
        return change(head) + b"\r\n\r\n" + body

    return Oddity(name=name, encode=odd)


def _status_line(name: str, line: bytes) -> Oddity:
    return _head(name, lambda head: line + b"\r\n" + head.partition(b"\r\n")[2])


def _version(name: str, version: bytes, *headers: tuple[bytes, bytes]) -> Oddity:
    return Oddity(
        name=name,
        answer=lambda answer, _: replace(answer.with_headers(*headers), version=version),
    )


def _owner(answer: Answer, scene: Scene) -> Answer:
    if scene.record is None:
        return answer
    account = scene.record.account
    return answer.with_headers(
        (b"X-User-Name", account.name.encode()), (b"X-User-Id", account.user_id.encode())
    )


def _bare_line_feeds(answer: Answer) -> bytes:
    head, _, body = encode(answer).partition(b"\r\n\r\n")
    return head.replace(b"\r\n", b"\n") + b"\n\n" + body


_COOKIE = b"Set-Cookie"

ODDITIES = (
    _headers("cookie", (_COOKIE, b"sid=canary-cookie; Path=/; HttpOnly; Max-Age=86400")),
    _headers("cookie_byte", (_COOKIE, b"a=\xe9")),
    _headers("cookie_of_domain", (_COOKIE, b"sid=canary-cookie; Domain=127.0.0.1; Path=/api")),
    _headers("cookie_malformed", (_COOKIE, b";;=;\x80=\xff; expires=\xfe; Max-Age=nan")),
    _headers("cookies_many", *((_COOKIE, b"c%d=canary-cookie" % n) for n in range(80))),
    _headers("header_bytes", (b"X-Note", b"\xff\xfe caf\xe9")),
    _headers("header_twice", (b"Content-Type", b"text/html"), (b"Date", b"x"), (b"Date", b"y")),
    _headers("header_of_16_kb", (b"X-Note", b"n" * 16_384)),
    _headers("header_of_1_mb", (b"X-Note", b"n" * 1_048_576)),
    _headers("headers_2000", *((b"X-Note-%d" % n, b"n") for n in range(2_000))),
    _headers("location_at_200", (b"Location", b"javascript:alert(1)")),
    _headers("link_and_refresh", (b"Refresh", b"0; url=/elsewhere/refresh"), (b"Link", b"<\xe9>")),
    _headers("alt_svc", (b"Alt-Svc", b'h3=":443"; ma=86400'), (b"Upgrade", b"h2c")),
    _headers("authenticate", (b"WWW-Authenticate", b'Basic realm="\xe9"')),
    Oddity(name="owner_in_headers", answer=_owner),
    _line("header_folded", b"X-Note: one\r\n\ttwo\r\n  three"),
    _line("header_folded_first_byte", b"X-Note: \r\n \xe9"),
    _line("header_without_colon", b"this is no header"),
    _line("header_without_name", b": nameless"),
    _line("header_with_space", b"X-Note : spaced"),
    _line("header_with_nul", b"X-Note: a\x00b"),
    _line("header_with_cr", b"X-Note: a\rb"),
    _status_line("reason_bytes", b"HTTP/1.1 200 \xe9t\xe9"),
    _status_line("reason_missing", b"HTTP/1.1 200"),
    _status_line("reason_of_4_kb", b"HTTP/1.1 200 " + b"r" * 4_096),
    _status_line("status_999", b"HTTP/1.1 999 Odd"),
    _status_line("status_20", b"HTTP/1.1 20 Odd"),
    _status_line("status_word", b"HTTP/1.1 OK 200"),
    _status_line("version_2", b"HTTP/2.0 200 OK"),
    _status_line("no_http", b"220 mail.example ESMTP"),
    _version("http_1_0", b"HTTP/1.0"),
    _version("http_1_0_keep_alive", b"HTTP/1.0", (b"Connection", b"keep-alive")),
    Oddity(name="bare_line_feeds", encode=_bare_line_feeds),
    Oddity(
        name="content_type_html",
        answer=lambda answer, _: answer.without_header(b"Content-Type").with_headers(
            (b"Content-Type", b"text/html")
        ),
    ),
    Oddity(
        name="content_type_missing", answer=lambda answer, _: answer.without_header(b"Content-Type")
    ),
    _headers("charset_unknown", (b"Content-Type", b"application/json; charset=klingon")),
)
