"""Images as members upload, see and delete them."""

from __future__ import annotations

import asyncio
import hashlib
import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.domain.caller import Role
from app.inputs import deletion
from app.videos import verify
from app.videos.store import ArchiveUnavailable
from app.worker import retention
from tests.harness.gateway import Gateway, gateway
from tests.harness.pictures import picture
from tests.harness.traces import execute
from tests.inputs.calling import PATH, call, upload, uploaded
from tests.videos.videos import files_in


def archive(gate: Gateway) -> list[str]:
    folder = gate.rt.settings.data_dir / "archive"
    return files_in(folder) if folder.exists() else []


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")],
)
async def test_an_image_is_kept_as_it_came(
    still_gate: Gateway, kind: str, content_type: str
) -> None:
    key, content = await still_gate.member(), picture(kind, (640, 360))
    document = await uploaded(still_gate, key, content, name="../../etc/löwe.png")
    assert document["content_type"] == content_type
    assert (document["width"], document["height"]) == (640, 360)
    assert document["size_bytes"] == len(content)
    assert document["sha256"] == hashlib.sha256(content).hexdigest()
    assert document["name"] == "löwe.png"
    one = f"/{document['id']}"
    assert (await call(still_gate, key, "GET", one)).json() == document
    listed = (await call(still_gate, key, "GET")).json()
    assert (listed["data"], listed["has_more"]) == ([document], False)
    served = await call(still_gate, key, "GET", f"{one}/content")
    assert served.content == content
    assert served.headers["content-type"] == content_type
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    [file] = archive(still_gate)
    assert document["sha256"] in file


async def test_the_same_bytes_are_one_input_of_a_member_and_one_file_of_a_team(
    still_gate: Gateway,
) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    stranger = await still_gate.member("eve", team="others")
    first = await uploaded(still_gate, ada)
    again = await uploaded(still_gate, ada, name="other.png")
    assert again["expires_at"] > first["expires_at"]
    assert again == {**first, "expires_at": again["expires_at"]}
    second = await uploaded(still_gate, bob)
    assert second["id"] != first["id"]
    assert len(archive(still_gate)) == 1
    await uploaded(still_gate, stranger)
    assert len(archive(still_gate)) == 2
    # The file stays for the other one, and goes with the last.
    assert (await call(still_gate, ada, "DELETE", f"/{first['id']}")).status_code == 204
    assert (await call(still_gate, bob, "GET", f"/{second['id']}/content")).status_code == 200
    assert (await verify.verify(still_gate.rt)).sound
    assert (await call(still_gate, bob, "DELETE", f"/{second['id']}")).status_code == 204
    assert len(archive(still_gate)) == 1
    assert (await uploaded(still_gate, ada))["id"] not in (first["id"], second["id"])


async def test_the_same_bytes_at_the_same_time_are_one_input(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answers = await asyncio.gather(*(upload(still_gate, key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await retention.one_round(still_gate.worker)
    assert len(archive(still_gate)) == 1
    assert await verify.find_orphans(still_gate.rt) == []


async def test_others_see_nothing_of_it_but_administrators_of_the_team(
    still_gate: Gateway,
) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    lead = await still_gate.member("lead", role=Role.ADMIN)
    stranger = await still_gate.member("eve", team="others", role=Role.ADMIN)
    document = await uploaded(still_gate, ada)
    one = f"/{document['id']}"
    for key in (bob, stranger):
        for method, path in (("GET", one), ("DELETE", one), ("GET", f"{one}/content")):
            assert (await call(still_gate, key, method, path)).status_code == 404
        assert (await call(still_gate, key, "GET")).json()["data"] == []
    assert (await call(still_gate, lead, "GET")).json()["data"] == [document]
    assert (await call(still_gate, lead, "DELETE", one)).status_code == 204
    assert (await call(still_gate, ada, "GET", one)).status_code == 404


async def test_lists_have_pages(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = [
        (await uploaded(still_gate, key, picture(colour=(shade, 0, 0))))["id"] for shade in range(5)
    ]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await call(still_gate, key, "GET", params={"limit": "2", **cursor})).json()
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made[::-1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
async def test_an_image_that_has_to_be_turned_is_kept_upright(
    still_gate: Gateway, kind: str, orientation: int
) -> None:
    key = await still_gate.member()
    content = picture(kind, (64, 32), orientation=orientation)
    document = await uploaded(still_gate, key, content)
    wanted = (32, 64) if orientation >= 5 else (64, 32)
    assert (document["width"], document["height"]) == wanted
    served = await call(still_gate, key, "GET", f"/{document['id']}/content")
    kept = Image.open(io.BytesIO(served.content))
    assert kept.size == wanted
    assert kept.format == kind
    assert not kept.getexif()
    assert document["sha256"] == hashlib.sha256(served.content).hexdigest()
    # The same upload gives the same bytes.
    assert (await uploaded(still_gate, key, content))["id"] == document["id"]


async def test_a_form_has_the_file_and_nothing_else(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for files, data, field in (
        ({"picture": picture()}, {}, "picture"),
        ({"file": picture()}, {"width": "5"}, "width"),
        ({}, {"file": "text"}, "file"),
    ):
        form = {name: (None, value) for name, value in data.items()} | files
        answer = await call(still_gate, key, "POST", files=form)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == field
    assert archive(still_gate) == []


async def test_what_is_too_large_is_refused_without_being_read_to_its_end(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, max_input_bytes=5000) as gate:
        key = await gate.member()
        content = picture("PNG", (64, 64)) + bytes(10_000)
        answer = await upload(gate, key, content)
        assert answer.status_code == 413
        assert answer.json()["code"] == "payload_too_large"
        assert archive(gate) == []


async def test_a_member_keeps_only_so_much_that_nobody_uses(
    database_url: str, tmp_path: Path
) -> None:
    content = picture()
    async with gateway(
        database_url, tmp_path, worker=False, unused_input_bytes=len(content) + 1024
    ) as gate:
        key = await gate.member()
        first = await uploaded(gate, key, content)
        answer = await upload(gate, key, picture("JPEG", (900, 900), quality=100))
        assert answer.status_code == 413
        assert answer.json()["limit"] == "unused_input_bytes"
        assert answer.json()["used_value"] == len(content)
        await call(gate, key, "DELETE", f"/{first['id']}")
        await uploaded(gate, key, picture(colour=(1, 2, 3)))


async def test_uploads_have_a_rate_in_all_processes_together(
    database_url: str, tmp_path: Path
) -> None:
    """Also where two are asked at the same time."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with (
        gateway(database_url, tmp_path / "one", worker=False, uploads_per_minute=4) as one_of_two,
        gateway(database_url, tmp_path / "two", worker=False, uploads_per_minute=4) as other,
    ):
        key, another = await one_of_two.member("ada"), await one_of_two.member("bob")
        gates = (one_of_two, other) * 3
        answers = await asyncio.gather(*(upload(gate, key) for gate in gates))
        assert sorted(answer.status_code for answer in answers) == [201] * 4 + [429] * 2
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["limit_value"] == 4
        assert 0 < int(refused.headers["Retry-After"]) <= 15
        assert (await upload(other, another)).status_code == 201
        # After a quarter of a minute there is room for one more, and for no second.
        await execute(
            other, "UPDATE upload_rate_states SET arrival_at = arrival_at - interval '15 seconds'"
        )
        statuses = [(await upload(gate, key)).status_code for gate in (other, one_of_two)]
        assert statuses == [201, 429]


async def test_what_nobody_uses_is_deleted_after_its_time(still_gate: Gateway) -> None:
    key = await still_gate.member()
    old, new = await uploaded(still_gate, key), await uploaded(still_gate, key, picture("JPEG"))
    await execute(
        still_gate,
        "UPDATE inputs SET expires_at = now() - interval '1 second' WHERE id = :id",
        id=old["id"],
    )
    await retention.one_round(still_gate.worker)
    assert (await call(still_gate, key, "GET", f"/{old['id']}")).status_code == 404
    assert (await call(still_gate, key, "GET", f"/{new['id']}/content")).status_code == 200
    assert len(archive(still_gate)) == 1


async def test_an_archive_that_is_away_keeps_nothing_and_is_said(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    async def away(*_: object, **__: object) -> None:
        raise ArchiveUnavailable("no connection")

    with monkeypatch.context() as broken:
        broken.setattr(still_gate.rt.archive, "write", away)
        answer = await upload(still_gate, key)
        assert (answer.status_code, answer.json()["retry_safe"]) == (503, True)
    assert (await call(still_gate, key, "GET")).json()["data"] == []
    # A file that cannot be removed is removed later.
    document = await uploaded(still_gate, key)
    with monkeypatch.context() as broken:
        broken.setattr(still_gate.rt.archive, "delete", away)
        assert (await call(still_gate, key, "DELETE", f"/{document['id']}")).status_code == 204
    assert len(archive(still_gate)) == 1
    await retention.one_round(still_gate.worker)
    assert archive(still_gate) == []
    assert await deletion.remove_leftovers(still_gate.worker)


async def test_verify_and_orphans_know_inputs(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await uploaded(still_gate, key)
    assert await verify.find_orphans(still_gate.rt) == []
    [file] = archive(still_gate)
    path = still_gate.rt.settings.data_dir / "archive" / file
    path.write_bytes(bytes(path.stat().st_size))
    report = await verify.verify(still_gate.rt)
    assert dict(report.bad) == {file: verify.Verdict.CHANGED}
    await execute(still_gate, "DELETE FROM inputs")
    assert await verify.find_orphans(still_gate.rt) == [file]


async def test_archive_move_takes_inputs_along(still_gate: Gateway, tmp_path: Path) -> None:
    key = await still_gate.member()
    await uploaded(still_gate, key)
    other = tmp_path / "other"
    report = await verify.move(still_gate.rt, to=other.as_uri(), actor="test")
    assert dict(report.counts) == {verify.Verdict.COPIED: 1}
    assert files_in(other) == archive(still_gate)


async def test_a_suspended_member_uploads_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await execute(still_gate, "UPDATE members SET status = 'SUSPENDED'")
    answer = await upload(still_gate, key)
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
    answer = await still_gate.http.post(PATH, files={"file": picture()})
    assert answer.status_code == 401


async def test_the_disk_has_nothing_of_it_afterwards(
    still_gate: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools = tmp_path / "spools"
    spools.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spools))
    key = await still_gate.member()
    await uploaded(still_gate, key)
    assert (await upload(still_gate, key, b"no image")).status_code == 422
    assert files_in(spools) == []


async def test_a_key_that_only_reads_uploads_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await execute(still_gate, "UPDATE api_keys SET scopes = '{read}'")
    answer: httpx.Response = await upload(still_gate, key)
    assert answer.status_code == 403
    assert answer.json()["needed_scope"] == "generate"
    assert (await call(still_gate, key, "GET")).status_code == 200
