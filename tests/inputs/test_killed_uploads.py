"""P1, with images: a worker is killed on the way from an upload to its submission, at the exact
moment. An upload costs nothing and may be repeated; the render is paid once."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.db.session import driver_conninfo
from tests.harness import database
from tests.harness.pictures import picture
from tests.harness.processes import Api, environment, until
from tests.harness.toolchains import python_with
from tests.inputs.calling import image_body, image_request
from tests.promises.site import Caller, Site, assert_paid_once, site

PROGRAMS = Path(__file__).parent / "programs"
#: Ways to ask for a video that begins with an image.
WAYS = ("native", "rest", "openai", "luma")


class Watched:
    """The site's database, to look into, and to stop its writers at a moment."""

    def __init__(self, address: str) -> None:
        self._address = driver_conninfo(address)
        self._look = psycopg.connect(self._address, autocommit=True)

    def close(self) -> None:
        self._look.close()

    def _count(self, query: Any, *values: Any) -> int:
        row = self._look.execute(query, values).fetchone()
        assert row is not None
        return int(row[0])

    def begun(self) -> int:
        return self._count("SELECT count(*) FROM input_uploads")

    def recorded(self) -> int:
        return self._count("SELECT count(*) FROM input_uploads WHERE upstream_path IS NOT NULL")

    def blocked(self) -> int:
        """Who waits for a lock."""
        return self._count(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

    @contextlib.contextmanager
    def holding(self, lock: Any) -> Iterator[None]:
        with psycopg.connect(self._address) as holder:
            holder.execute(lock)
            yield
            holder.rollback()

    def accounts(self) -> dict[str, str]:
        """Prompt → the account that has its image and made it."""
        rows = self._look.execute(
            "SELECT g.spec->>'prompt', k.fingerprint FROM generations g"
            " JOIN input_uploads u ON u.generation_id = g.id AND u.upstream_path IS NOT NULL"
            " AND u.upstream_key_id = g.upstream_key_id"
            " JOIN upstream_keys k ON k.id = u.upstream_key_id"
        ).fetchall()
        return dict(rows)

    def forget(self) -> None:
        """What the test before did."""
        self._look.execute("DELETE FROM input_uploads")


@pytest.fixture(scope="module")
def address(postgres: database.Server) -> Iterator[str]:
    with postgres.fresh() as found:
        yield found


@pytest.fixture(scope="module")
def site_(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(
        address, tmp_path_factory.mktemp("uploads"), REELGATE_SIMULATOR_ONE_FILM="true",
        REELGATE_WORKER_CONCURRENCY="8",
    ) as running:  # fmt: skip
        yield running


@pytest.fixture(scope="module")
def api(site_: Site) -> Api:
    return site_.start_api()


@pytest.fixture
def place(site_: Site) -> Iterator[Site]:
    yield site_
    site_.end_workers()


@pytest.fixture
def watched(address: str) -> Iterator[Watched]:
    watched = Watched(address)
    watched.forget()
    yield watched
    watched.close()


def ask(way: str, caller: Caller, api: Api, folder: Path, prompt: str) -> str:
    """The id of a new generation of a small image."""
    content = picture("PNG", (400, 300))
    if way == "native":
        headers = {"API-KEY": caller.key}
        answer = caller.http.post(
            "/api/assets", headers=headers, files={"asset": ("lion.png", content)}
        )
        path = answer.json()["fileContent"]["path"]
        asked = {**image_body(path, prompt, aspectRatio="1:1"), "async": True}
        return str(caller.http.post("/api/features", headers=headers, json=asked).json()
                   ["aiRecord"]["uuid"])  # fmt: skip
    if way == "rest":
        return rest(caller, prompt, upload(caller, content))
    file = folder / "lion.png"
    file.write_bytes(content)
    told = {
        "OPENAI_BASE_URL": f"{api.address}/v1", "OPENAI_API_KEY": caller.key,
        "LUMAAI_BASE_URL": f"{api.address}/dream-machine/v1", "LUMAAI_API_KEY": caller.key,
    }  # fmt: skip
    python = python_with("openai-3" if way == "openai" else "luma")
    done = subprocess.run(
        [python, PROGRAMS / f"{way}.txt", prompt, file], cwd=folder, check=False,
        env=environment(folder, told), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(UUID(done.stdout.strip().removeprefix("video_")))


def upload(caller: Caller, content: bytes) -> str:
    answer = caller.http.post(
        "/api/v1/inputs", headers={"API-KEY": caller.key}, files={"file": ("lion.png", content)}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def rest(caller: Caller, prompt: str, image: str) -> str:
    answer = caller.http.post(
        "/api/v1/generations", headers={"API-KEY": caller.key},
        json=image_request(image, prompt, aspect_ratio="1:1"),
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ask_all(caller: Caller, api: Api, folder: Path, what: str) -> dict[str, str]:
    """Prompt → id, of one generation each way."""
    return {
        prompt: ask(way, caller, api, folder, prompt)
        for way in WAYS
        for prompt in (f"{what}, {way}",)
    }


def stored(place: Site) -> int:
    """How many files the upstream took."""
    outcomes = place.upstream.http.get("/_simulator/summary").json()["outcomes"]
    return int(outcomes.get("assets", {}).get("stored", 0))


def assert_made_once(
    place: Site, watched: Watched, caller: Caller, prompts: dict[str, str]
) -> None:
    """Each was paid once, and by the account that has its image."""
    for generation_id in prompts.values():
        assert caller.until_rest(generation_id) == "succeeded"
    assert_paid_once(place, caller, prompts)
    assert caller.me()["open"] == 0
    sent = {
        each["prompt"]: each["key_fingerprint"]
        for each in place.upstream.http.get("/_simulator/summary").json()["submissions"]
    }
    assert {prompt: sent[prompt] for prompt in prompts} == watched.accounts()


def test_killed_after_the_upload_was_answered(
    place: Site, api: Api, watched: Watched, tmp_path: Path
) -> None:
    """The upstream has the files and has said so; nobody has written it down. They are uploaded
    again."""
    caller = place.caller(api, "answered")
    prompts = ask_all(caller, api, tmp_path, "answered and not written down")
    before = stored(place)
    with place.upstream.frozen():
        worker = place.start_worker()
        until(lambda: watched.begun() == len(prompts), "the uploads have begun")
        place.upstream.until_a_request_waits()
        lock = watched.holding("LOCK TABLE input_uploads IN EXCLUSIVE MODE")
        lock.__enter__()
    until(lambda: watched.blocked() == len(prompts), "all have been answered")
    assert stored(place) - before == len(prompts)
    worker.kill()
    lock.__exit__(None, None, None)
    place.expire_heartbeats()
    place.start_worker()
    assert_made_once(place, watched, caller, prompts)
    assert stored(place) - before == 2 * len(prompts)


def test_killed_between_upload_and_attempt(
    place: Site, api: Api, watched: Watched, tmp_path: Path
) -> None:
    """The uploads are written down, and no attempt is. They are used."""
    caller = place.caller(api, "between")
    prompts = ask_all(caller, api, tmp_path, "uploaded and not sent")
    before = stored(place)
    with place.upstream.frozen():
        worker = place.start_worker()
        until(lambda: watched.begun() == len(prompts), "the uploads have begun")
        place.upstream.until_a_request_waits()
        lock = watched.holding("SELECT FROM generations FOR UPDATE")
        lock.__enter__()
    until(lambda: watched.recorded() == len(prompts), "the uploads are written down")
    until(lambda: watched.blocked() == len(prompts), "all are about to be sent")
    worker.kill()
    lock.__exit__(None, None, None)
    for generation_id in prompts.values():
        assert caller.state(generation_id) == "queued"
    place.expire_heartbeats()
    place.start_worker()
    assert_made_once(place, watched, caller, prompts)
    assert stored(place) - before == len(prompts)


def test_killed_in_the_middle_of_an_upload(place: Site, api: Api, watched: Watched) -> None:
    """More than a connection holds: the upstream has a part of it."""
    caller = place.caller(api, "middle")
    size = (2400, 2000)
    image = upload(caller, noise(size))
    prompts = {"in the middle": rest(caller, "in the middle", image)}
    before = stored(place)
    with place.upstream.frozen():
        worker = place.start_worker()
        until(lambda: watched.begun() == 1, "the upload has begun")
        place.upstream.until_a_request_waits()
        worker.kill()
    assert caller.state(prompts["in the middle"]) == "queued"
    place.expire_heartbeats()
    place.start_worker()
    assert_made_once(place, watched, caller, prompts)
    assert stored(place) - before == 1


def noise(size: tuple[int, int]) -> bytes:
    """A picture that does not get smaller: three bytes a pixel."""
    import io

    from PIL import Image

    held = io.BytesIO()
    content = os.urandom(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, content).save(held, "PNG", compress_level=1)
    return held.getvalue()
