"""A gateway behind nginx and behind Caddy, with the files of `deploy/`: callers notice neither the
proxy nor the restart of an API."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.http.bodies import MAX_BODY_BYTES
from tests.harness.gateway import body
from tests.harness.processes import until
from tests.inputs.test_hostile_images import png
from tests.live.test_processes import heard, until_listening
from tests.promises.site import PRICE, Caller
from tests.proxies.place import AS_BY_DEFAULT, FIRST, SECOND, Place, start_api
from tests.proxies.running import HOST, front

#: Longer than the scaled default.
WAIT_SECONDS = 2


each_proxy = pytest.mark.parametrize("kind", ["nginx", "caddy"])


@each_proxy
def test_events_come_when_they_happen(place: Place, kind: str) -> None:
    caller = place.caller(kind, "listening")
    headers = {"API-KEY": caller.key}
    with caller.http.stream("GET", "/api/v1/events", headers=headers, timeout=120) as stream:
        lines = stream.iter_lines()
        until_listening(lines)
        caller.create("told at once")
        assert next(heard(lines))[1] == "generation.queued"


def test_a_create_may_wait(place: Place, tmp_path: Path) -> None:
    """No worker runs, so nothing comes before the wait is over. nginx by itself would answer in
    the gateway's place."""
    with (
        front("nginx", tmp_path, [FIRST], place.port, host="127.0.0.6", **AS_BY_DEFAULT) as other,
        ThreadPoolExecutor() as threads,
    ):
        callers = {kind: place.caller(kind, "waiting") for kind in place.fronts}
        callers["other"] = replace(callers["nginx"], http=other.http)
        asked = {
            kind: threads.submit(caller.post, "waits", Prefer=f"wait={WAIT_SECONDS}")
            for kind, caller in callers.items()
        }
    assert asked.pop("other").result().status_code == 504
    for kind, future in asked.items():
        answer = future.result()
        assert answer.status_code == 202, (kind, answer.text)
        assert answer.elapsed.total_seconds() >= WAIT_SECONDS
        assert answer.headers["Location"].startswith(f"https://{HOST}/api/results/")


def test_a_video_comes_in_ranges(place: Place) -> None:
    place.site.worker()
    made = place.caller("nginx", "watching")
    try:
        generation_id = made.create("seen in parts")
        link = urlsplit(made.until_archived(generation_id)["url"])
    finally:
        place.site.end_workers()
    assert (link.scheme, link.netloc) == ("https", HOST)
    signed, content = f"{link.path}?{link.query}", f"/api/v1/generations/{generation_id}/content"
    for proxy in place.fronts.values():
        whole = proxy.http.get(signed)
        assert whole.status_code == 200
        part = proxy.http.get(signed, headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert part.headers["Content-Range"] == f"bytes 4-7/{len(whole.content)}"
        known = {"If-None-Match": whole.headers["ETag"]}
        assert proxy.http.get(signed, headers=known).status_code == 304
        asked = {"API-KEY": made.key, "Range": "bytes=-9", "If-Range": whole.headers["ETag"]}
        tail = proxy.http.get(content, headers=asked)
        assert (tail.status_code, tail.content) == (206, whole.content[-9:])


def padded(size: int) -> bytes:
    """A create of so many bytes."""
    return json.dumps(body("as large as may be", aspectRatio="1:1")).encode().ljust(size)


@each_proxy
def test_the_gateway_itself_says_what_is_too_large(place: Place, kind: str) -> None:
    caller = place.caller(kind, "sending")
    headers = {"API-KEY": caller.key, "Prefer": "respond-async"}

    def sent(path: str, content: bytes | Iterator[bytes]) -> httpx.Response:
        return caller.http.post(path, content=content, headers=headers)

    assert sent("/api/features", padded(MAX_BODY_BYTES)).status_code == 202
    for size in (MAX_BODY_BYTES + 1, 8 * MAX_BODY_BYTES):
        for path in ("/api/features", "/v1/videos"):
            whole, pieces = sent(path, padded(size)), sent(path, iter([padded(size)]))
            assert whole.status_code == pieces.status_code == 413
            for answer in (whole, pieces):
                assert answer.headers["Content-Type"] == "application/json"
                assert f"at most {MAX_BODY_BYTES} bytes" in answer.text
    assert caller.me()["credits"]["binding"]["used_credits"] == PRICE


@each_proxy
def test_an_image_may_be_larger_than_other_bodies(place: Place, kind: str) -> None:
    caller = place.caller(kind, "drawing")
    noise = random.Random(7).randbytes(3 * 1000 * 1000)
    lines = b"".join(b"\0" + noise[at : at + 3000] for at in range(0, len(noise), 3000))
    image = png(3000, 1000, lines)
    assert len(image) > 2 * MAX_BODY_BYTES
    for path, name in (("/api/assets", "asset"), ("/api/v1/inputs", "file")):
        answer = caller.http.post(
            path, files={name: ("noise.png", image)}, headers={"API-KEY": caller.key}
        )
        assert answer.status_code in (200, 201), answer.text


@each_proxy
def test_the_gateway_learns_who_calls_and_nobody_lies(place: Place, kind: str) -> None:
    with place.fronts[kind].client(local_address="127.0.0.9") as http:
        asked = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": f"from-{kind}"}
        assert http.get("/api/v1/me", headers=asked).status_code == 401
    (line,) = until(
        lambda: [
            line
            for api in place.apis.values()
            for line in api.events("request")
            if line["request_id"] == f"from-{kind}"
        ],
        "the request is logged",
    )
    assert line["address"] == "127.0.0.9"


@dataclass
class Traffic:
    """Requests one after the other until told to stop, of a member of their own."""

    caller: Caller
    stop: threading.Event
    read: Counter[int] = field(default_factory=Counter)
    made: Counter[int] = field(default_factory=Counter)

    def reading(self) -> None:
        while not self.stop.is_set():
            self.read[self.caller.get("/api/v1/generations?limit=1").status_code] += 1

    def creating(self) -> None:
        while not self.stop.is_set():
            answer = self.caller.post("made meanwhile", Prefer="respond-async")
            self.made[answer.status_code] += 1

    def goes_on(self) -> None:
        """Waits for more of both."""
        for counted in (self.read, self.made):
            before = counted.total()
            until(lambda: counted.total() > before + 2, "requests are answered")  # noqa: B023


def test_a_restart_fails_no_request(place: Place) -> None:
    """The other API takes those that are refused a connection, which are sent nowhere else."""
    stop, apis = threading.Event(), place.apis
    traffic = {kind: Traffic(place.caller(kind, "busy"), stop) for kind in place.fronts}
    waiting = place.site.caller(apis[FIRST], "held")
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(each.reading) for each in traffic.values()]
        running += [threads.submit(each.creating) for each in traffic.values()]
        held = threads.submit(waiting.post, "waits for its video", Prefer="wait=60")
        try:
            until(lambda: waiting.at(apis[SECOND]).newest(), "the create waits")
            for each in traffic.values():
                each.goes_on()
            apis[FIRST].terminate()
            assert apis[FIRST].exit_code() == 0
            for each in traffic.values():
                each.goes_on()
            apis[FIRST] = start_api(place.site, FIRST, place.port)
            for each in traffic.values():
                each.goes_on()
        finally:
            stop.set()
        for future in running:
            future.result()
        answer = held.result()
    assert answer.status_code == 202
    assert "Location" in answer.headers
    for kind, each in traffic.items():
        assert set(each.read) == {200}, (kind, each.read)
        assert set(each.made) == {202}, (kind, each.made)
        assert each.caller.me()["credits"]["binding"]["used_credits"] == PRICE * each.made.total()
