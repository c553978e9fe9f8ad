"""Redirects nobody asked for, with the record in their body and without."""

from __future__ import annotations

from dataclasses import replace

from tests.standin.answers import Answer, html_answer
from tests.standin.script import Oddity, Scene

#: What a client that parses, joins or follows a Location stumbles over; `{origin}` is our own.
LOCATIONS = {
    "script": b"javascript:alert(1)",
    "byte": b"http://caf\xe9.example/\xff",
    "metadata": b"http://169.254.169.254/latest/meta-data/",
    "file": b"file:///etc/passwd",
    "elsewhere": b"{origin}/elsewhere/redirect",
    "itself": b"/api/features",
    "port": b"http://127.0.0.1:99999999/",
    "brackets": b"http://[::1",
    "nothing": b"",
    "spaces": b"  http : // x y ",
    "userinfo": b"https://user:pass@[fe80::1%25eth0]/",
    "long": b"http://a.example/" + b"a" * 30_000,
    "data": b"data:text/html,<h1>hello</h1>",
}
_STATUSES = (301, 302, 303, 307, 308)


def _redirected(answer: Answer, scene: Scene, status: int, location: bytes) -> Answer:
    target = location.replace(b"{origin}", scene.shelf.origin.encode())
    return replace(answer, status=status, reason=None).with_headers((b"Location", target))


def _with_record(name: str, status: int, location: bytes) -> Oddity:
    return Oddity(
        name=name, answer=lambda answer, scene: _redirected(answer, scene, status, location)
    )


def _without_record(name: str, status: int, location: bytes) -> Oddity:
    """Made and billed, and the answer does not say as what."""

    def odd(_: Answer, scene: Scene) -> Answer:
        page = html_answer(status, "Moved")
        return _redirected(page, scene, status, location)

    return Oddity(name=name, answer=odd)


def _each() -> list[Oddity]:
    found = []
    for number, (word, location) in enumerate(LOCATIONS.items()):
        status = _STATUSES[number % len(_STATUSES)]
        found.append(_with_record(f"redirect_{word}", status, location))
        found.append(_without_record(f"redirect_{word}_lost", status, location))
    return found


def _without_location(name: str, status: int) -> Oddity:
    return Oddity(name=name, answer=lambda answer, _: replace(answer, status=status, reason=None))


ODDITIES = (
    *_each(),
    _with_record("redirect_307_script", 307, LOCATIONS["script"]),
    _without_record("redirect_307_script_lost", 307, LOCATIONS["script"]),
    _without_location("redirect_without_location", 302),
    _without_location("choices_300", 300),
    Oddity(
        name="redirect_two_locations",
        answer=lambda answer, scene: _redirected(
            _redirected(answer, scene, 302, LOCATIONS["metadata"]), scene, 302, LOCATIONS["script"]
        ),
    ),
    Oddity(
        name="redirect_loop_lost",
        answer=lambda _, scene: _redirected(
            html_answer(307, "Moved"), scene, 307, scene.request.target.encode("latin-1")
        ),
    ),
)
