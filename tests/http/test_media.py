"""`/media/{id}.mp4`: what a signed link opens, and what it does not."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from app.db import generations
from app.db.session import Tx
from app.domain.assets import AssetState
from app.domain.generation import Generation
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway
from tests.harness.sockets import listening
from tests.harness.traces import execute
from tests.http.videos import film_behind, media_path, pending_video, succeed


def problem(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert (found["code"], found["billed"], found["retry_safe"]) == (code, False, True)
    return str(found["detail"])


async def archived(gate: Gateway) -> tuple[UUID, str]:
    """A generation in the archive and its link."""
    key = await gate.member()
    record = (await gate.create(key)).json()["aiRecord"]
    generation = await gate.archived(record["uuid"])
    return generation.id, media_path(gate, generation.id)


async def test_a_link_needs_no_key_and_gives_the_file_with_its_hash_as_tag(gate: Gateway) -> None:
    generation_id, link = await archived(gate)
    whole = await gate.http.get(link)
    assert whole.status_code == 200
    assert whole.headers["ETag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert whole.headers["Content-Disposition"] == f'inline; filename="{generation_id}.mp4"'
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    size = len(whole.content)

    head = await gate.http.head(link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(size)
    part = await gate.http.get(link, headers={"Range": "bytes=-8"})
    assert (part.status_code, part.content) == (206, whole.content[-8:])
    assert part.headers["Content-Range"] == f"bytes {size - 8}-{size - 1}/{size}"
    known = await gate.http.get(link, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["ETag"] == whole.headers["ETag"]
    beyond = await gate.http.get(link, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{size}"
    other = await gate.http.get(link, headers={"If-Match": '"another"'})
    problem(other, 412, "precondition_failed")
    named = await gate.http.get(f"{link}&download")
    assert named.headers["Content-Disposition"].startswith("attachment; ")


async def test_a_link_ends_when_its_time_is_over(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    # Links count whole seconds.
    clock.at = clock.at.replace(microsecond=0)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        uuid = UUID((await gate.create(key)).json()["aiRecord"]["uuid"])
        link = media_path(gate, uuid, seconds=60)
        clock.move(59)
        problem(await gate.http.get(link), 409, "not_ready")
        clock.move(1)
        problem(await gate.http.get(link), 403, "permission_denied")
        problem(await gate.http.get(media_path(gate, uuid)), 409, "not_ready")


async def test_a_link_that_was_tampered_with_opens_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    link = httpx.URL(media_path(still_gate, generation_id))
    expires, sig = link.params["expires"], link.params["sig"]
    other = uuid4()
    wrong = [
        link.copy_set_param("expires", str(int(expires) + 1)),
        link.copy_set_param("expires", str(int(expires) + 10**9)),
        link.copy_set_param("expires", f"{expires}.0"),
        link.copy_set_param("expires", f"-{expires}"),
        link.copy_set_param("expires", "٣" * 10),
        link.copy_set_param("expires", ""),
        link.copy_set_param("sig", sig[:-1]),
        link.copy_set_param("sig", f"{sig}="),
        link.copy_set_param("sig", sig.swapcase()),
        link.copy_set_param("sig", "ä\x00"),
        link.copy_set_param("sig", ""),
        link.copy_remove_param("sig"),
        link.copy_remove_param("expires"),
        link.copy_with(query=None),
        httpx.URL(media_path(still_gate, other)).copy_with(path=f"/media/{generation_id}"),
        link.copy_with(path=f"/media/{other}"),
        link.copy_with(path=f"/media/{other}.mp4"),
    ]
    for each in wrong:
        detail = problem(await still_gate.http.get(each), 403, "permission_denied")
        assert "get the generation again" in detail
    assert (await still_gate.http.get(link)).status_code == 200


async def test_a_good_link_to_nothing_is_404(still_gate: Gateway) -> None:
    problem(await still_gate.http.get(media_path(still_gate, uuid4())), 404, "not_found")
    problem(await still_gate.http.get("/media/not-a-uuid?expires=1&sig=x"), 404, "not_found")
    link = media_path(still_gate, uuid4())
    for ending in (".mp4.mp4", ".webm", ".", ".MP4"):
        problem(await still_gate.http.get(link.replace(".mp4", ending)), 404, "not_found")


async def test_a_link_is_as_good_without_the_ending_of_a_file(still_gate: Gateway) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    link = httpx.URL(media_path(still_gate, generation_id))
    assert link.path == f"/media/{generation_id}.mp4"
    for path in (link.path, f"/media/{generation_id}"):
        answer = await still_gate.http.get(link.copy_with(path=path))
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == f'inline; filename="{generation_id}.mp4"'


@pytest.mark.parametrize("options", ["-O", "-OJ"])
async def test_curl_saves_it_under_its_id_and_the_ending_of_a_film(
    gate: Gateway, tmp_path: Path, options: str
) -> None:
    generation_id, link = await archived(gate)
    saved = tmp_path / "saved"
    saved.mkdir()
    async with listening(gate) as http:
        address = str(http.base_url.join(link))
        curl = await asyncio.create_subprocess_exec(
            "curl", "-qs", "--fail", "--noproxy", "*", options, address, cwd=saved
        )
        assert await curl.wait() == 0
    [file] = saved.iterdir()
    assert file.name == f"{generation_id}.mp4"
    assert file.read_bytes()[4:8] == b"ftyp"


async def test_a_thumbnail_has_a_link_that_opens_nothing_else(gate: Gateway) -> None:
    key = await gate.member()
    record = (await gate.create(key)).json()["aiRecord"]
    await gate.archived(record["uuid"])
    of_rest = await gate.http.get(f"/api/v1/generations/{record['uuid']}", headers={"API-KEY": key})
    of_luma = await gate.http.get(
        f"/dream-machine/v1/generations/{record['uuid']}", headers={"API-KEY": key}
    )
    known = await gate.http.get(
        f"/api/v1/generations/{record['uuid']}/thumbnail", headers={"API-KEY": key}
    )
    video = httpx.URL(of_rest.json()["video"]["url"])
    for text in (of_rest.json()["video"]["thumbnail_url"], of_luma.json()["assets"]["image"]):
        picture = httpx.URL(text)
        shown = await gate.http.get(picture)
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
        assert shown.content == known.content
        assert (await gate.http.head(picture)).status_code == 200
        for path in (video.path, video.path.removesuffix(".mp4")):
            problem(await gate.http.get(picture.copy_with(path=path)), 403, "permission_denied")
        problem(await gate.http.get(video.copy_with(path=picture.path)), 403, "permission_denied")
    assert (await gate.http.get(video)).status_code == 200


async def test_before_it_is_archived_the_link_to_a_thumbnail_asks_to_wait(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    found = await still_gate.http.get(
        f"/api/v1/generations/{generation_id}", headers={"API-KEY": key}
    )
    answer = await still_gate.http.get(found.json()["video"]["thumbnail_url"])
    problem(answer, 409, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"


async def test_before_it_is_archived_the_video_is_streamed_through(still_gate: Gateway) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    film = await film_behind(still_gate)
    link = media_path(still_gate, generation_id)
    whole = await still_gate.http.get(link)
    assert (whole.status_code, whole.content) == (200, film)
    assert whole.headers["Content-Length"] == str(len(film))
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Cache-Control"] == "private, no-store"
    assert whole.headers["Content-Disposition"] == f'inline; filename="{generation_id}.mp4"'
    # The upstream's tag is not ours, and would change once the file is archived.
    assert "ETag" not in whole.headers
    assert "amz" not in str(whole.headers).lower()
    part = await still_gate.http.get(link, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(film)}"
    for headers in ({}, {"Range": "bytes=4-7"}):
        head = await still_gate.http.head(link, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(film))
    own = await still_gate.http.get(
        f"/api/v1/generations/{generation_id}/content", headers={"API-KEY": key}
    )
    assert own.content == film


async def test_one_that_is_archived_while_it_is_asked_for_is_there(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation was read before, and what waits to be archived is read after."""
    _, link = await archived(gate)
    find, read = generations.find, list[UUID]()

    async def earlier(tx: Tx, generation_id: UUID) -> Generation | None:
        found = await find(tx, generation_id)
        if found is None or found.asset is None or read:
            return found
        read.append(generation_id)
        return replace(found, asset=replace(found.asset, state=AssetState.PENDING))

    monkeypatch.setattr(generations, "find", earlier)
    answer = await gate.http.get(link)
    assert (answer.status_code, answer.content[4:8]) == (200, b"ftyp"), answer.text
    assert read


async def test_a_range_beyond_a_video_that_is_streamed_through_is_416(
    still_gate: Gateway,
) -> None:
    generation_id = await pending_video(still_gate, await still_gate.member())
    film = await film_behind(still_gate)
    answer = await still_gate.http.get(
        media_path(still_gate, generation_id), headers={"Range": f"bytes={len(film)}-"}
    )
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(film)}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("fault", ["link_gone", "http_503", "reset_before"])
async def test_an_upstream_that_does_not_hand_the_video_out_is_503(
    still_gate: Gateway, fault: str
) -> None:
    generation_id = await pending_video(still_gate, await still_gate.member())
    await still_gate.simulator.fault(fault, match={"path": "download"})
    answer = await still_gate.http.get(media_path(still_gate, generation_id))
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=4-7"}])
@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("download_not_mp4", {}),
        ("download_empty", {}),
        ("download_redirect", {}),
        ("download_redirect", {"location": "javascript:alert(1)"}),
    ],
)
async def test_what_is_no_film_is_not_passed_on(
    still_gate: Gateway, fault: str, options: dict[str, str], headers: dict[str, str], method: str
) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    await still_gate.simulator.fault(fault, match={"path": "download"}, times=None, **options)
    link = media_path(still_gate, generation_id)
    answer = await still_gate.http.request(method, link, headers=headers)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    if method == "GET":
        assert "still being archived" in problem(answer, 409, "not_ready")
    own = await still_gate.http.get(
        f"/api/v1/generations/{generation_id}/content", headers={"API-KEY": key, **headers}
    )
    problem(own, 409, "not_ready")
    openai = await still_gate.http.get(
        f"/v1/videos/video_{generation_id.hex}/content", headers={"API-KEY": key, **headers}
    )
    assert openai.status_code == 404
    assert openai.json()["error"]["code"] == "video_not_ready"


async def test_a_video_without_an_end_is_cut_off_where_it_would_not_be_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, max_video_bytes=400_000) as gate:
        generation_id = await pending_video(gate, await gate.member())
        assert len(await film_behind(gate)) < 400_000
        await gate.simulator.fault(
            "download_endless", match={"path": "download"}, max_bytes=3_000_000
        )
        async with listening(gate) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(media_path(gate, generation_id))


async def test_a_link_to_a_host_that_is_not_the_upstreams_is_never_followed(
    still_gate: Gateway,
) -> None:
    generation_id = await pending_video(
        still_gate, await still_gate.member(), link="https://evil.example/video.mp4"
    )
    problem(await still_gate.http.get(media_path(still_gate, generation_id)), 409, "not_ready")


async def test_a_video_that_is_lost_is_410_and_has_no_link(still_gate: Gateway) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    await execute(still_gate, "UPDATE assets SET state = 'lost', source_link = NULL")
    answer = await still_gate.http.get(media_path(still_gate, generation_id))
    assert "lost" in problem(answer, 410, "video_expired")
    record = await still_gate.http.get(f"/api/results/{generation_id}", headers={"API-KEY": key})
    assert record.json()["aiRecord"]["status"] == "SUCCESS"
    assert record.json()["aiRecord"]["temporaryUrl"] is None


async def test_a_file_that_vanished_from_the_archive_is_410(gate: Gateway) -> None:
    generation_id, link = await archived(gate)
    generation = await gate.generation(generation_id)
    assert generation.asset is not None
    assert generation.asset.path is not None
    await gate.rt.archive.delete(generation.asset.path)
    problem(await gate.http.get(link), 410, "video_expired")


async def test_a_video_that_is_not_made_yet_or_never_will_be_is_409(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    link = media_path(still_gate, UUID(uuid))
    assert "queued; there is no video yet" in problem(
        await still_gate.http.get(link), 409, "not_ready"
    )
    await still_gate.http.post(f"/api/v1/generations/{uuid}/cancel", headers={"API-KEY": key})
    assert "canceled; there is no video." in problem(
        await still_gate.http.get(link), 409, "not_ready"
    )


async def test_a_video_without_a_link_yet_is_409_with_a_time_to_come_back(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    generation_id = UUID((await still_gate.create(key)).json()["aiRecord"]["uuid"])
    await succeed(still_gate, generation_id, link=None)
    answer = await still_gate.http.get(media_path(still_gate, generation_id))
    problem(answer, 409, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
