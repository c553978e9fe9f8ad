"""Links that share a video with people who have no key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from app.db import shares
from app.domain.caller import Role
from app.domain.sharing import MAX_SHARES
from app.videos import deletion
from tests.api.desk import Desk
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute, one

HOUR = {"expires_in_seconds": 3600}


def shares_of(generation: str) -> str:
    return f"/api/v1/generations/{generation}/shares"


async def video_of(gate: Gateway, desk: Desk) -> str:
    """A generation with a video in the archive."""
    made = await queued(desk)
    await gate.archived(made)
    return made


async def queued(desk: Desk) -> str:
    wanted = {"feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a fox", "duration": "5s"}
    answer = await desk("POST", "/api/v1/generations", wanted)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def shared(desk: Desk, video: str, **body: Any) -> dict[str, Any]:
    answer = await desk("POST", shares_of(video), body or HOUR)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def opened(gate: Gateway, url: str, **headers: str) -> httpx.Response:
    """As somebody who has the link alone."""
    parts = urlsplit(url)
    return await gate.http.get(f"{parts.path}?{parts.query}", headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    found = answer.json()
    found.pop("request_id")
    return answer.status_code, found


async def test_a_link_opens_the_video_and_tells_nothing_else(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    made = await shared(ada, video)
    assert made["object"] == "share"
    assert urlsplit(made["url"]).path == f"/media/shares/{made['id']}.mp4"
    whole = await opened(gate, made["url"])
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["cache-control"] == "private, no-cache"
    assert whole.headers["content-disposition"] == 'inline; filename="video.mp4"'
    assert video not in str(whole.headers)
    assert whole.content[4:8] == b"ftyp"
    part = await opened(gate, made["url"], Range="bytes=4-7")
    assert (part.status_code, part.content) == (206, b"ftyp")
    unchanged = await opened(gate, made["url"], **{"If-None-Match": whole.headers["etag"]})
    assert unchanged.status_code == 304
    saved = await opened(gate, f"{made['url']}&download")
    assert saved.headers["content-disposition"] == 'attachment; filename="video.mp4"'
    # The link opens this video and nothing beside it, and its secret is no key.
    secret = made["url"].partition("token=")[2]
    me = await gate.http.get("/api/v1/me", headers={"API-KEY": secret})
    assert me.status_code == 401
    for path in (f"/media/{video}.mp4?token={secret}", f"/media/shares/{video}.mp4?token={secret}"):
        assert (await gate.http.get(path)).status_code in (403, 404)


async def test_a_link_is_shown_once_and_kept_as_a_hash(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    made = await shared(ada, video)
    listed = (await ada("GET", shares_of(video))).json()
    assert listed["max_expires_in_seconds"] == gate.rt.settings.max_share_seconds
    shown = {name: value for name, value in made.items() if name != "url"}
    assert listed["data"] == [shown]
    row = await one(gate, "SELECT to_jsonb(s)::text AS kept FROM shares s")
    audit = await one(
        gate, "SELECT string_agg(a::text, '') AS kept FROM audit_log a WHERE action LIKE 'share%'"
    )
    secret = made["url"].partition("token=")[2]
    assert secret not in row["kept"] + audit["kept"]
    assert made["id"] in audit["kept"]


async def test_whatever_does_not_work_answers_alike(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    kept, revoked, over = [await shared(ada, video) for _ in range(3)]
    ended = await ada("DELETE", f"{shares_of(video)}/{revoked['id']}")
    assert ended.status_code == 204
    assert (await ada("DELETE", f"{shares_of(video)}/{revoked['id']}")).status_code == 404
    assert (await opened(gate, over["url"])).status_code == 200
    await execute(
        gate, "UPDATE shares SET expires_at = now() WHERE id = :id", id=UUID(over["id"])
    )  # fmt: skip
    other = kept["url"].partition("?")[0]
    wrong = [
        over["url"], revoked["url"], other, f"{other}?token=", f"{kept['url']}x",
        revoked["url"].replace(revoked["id"], kept["id"]),
        f"http://x/media/shares/{uuid4()}.mp4?token=rg_share_x", "http://x/media/shares/x.mp4",
    ]  # fmt: skip
    answers = [refusal(await opened(gate, url)) for url in wrong]
    assert answers[0][0] == 404
    assert answers == [answers[0]] * len(wrong)
    assert (await opened(gate, kept["url"])).status_code == 200
    listed = (await ada("GET", shares_of(video))).json()["data"]
    assert [each["id"] for each in listed] == [kept["id"]]


async def test_a_share_ends_with_its_video(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    made = await shared(ada, video)
    assert (await ada("DELETE", f"/api/v1/generations/{video}")).status_code == 204
    assert (await opened(gate, made["url"])).status_code == 404
    assert (await one(gate, "SELECT count(*) AS n FROM shares"))["n"] == 0
    refused = await ada("POST", shares_of(video), HOUR)
    assert (refused.status_code, refused.json()["code"]) == (410, "video_expired")


async def test_retention_ends_shares_too(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    gone, kept = await video_of(gate, ada), await video_of(gate, ada)
    for video in (gone, kept):
        await shared(ada, video)
    await execute(gate, "UPDATE teams SET retention_days = 1")
    await execute(
        gate, "UPDATE assets SET archived_at = now() - interval '2 days' WHERE generation_id = :id",
        id=UUID(gone),
    )  # fmt: skip
    assert await deletion.delete_expired(gate.worker) == 1
    row = await one(gate, "SELECT generation_id AS id FROM shares")
    assert row["id"] == UUID(kept)


async def test_a_share_made_while_the_video_is_deleted_does_not_stay(gate: Gateway) -> None:
    """Whichever of the two is first."""
    ada = Desk(gate, await gate.member())
    for _ in range(3):
        video = await video_of(gate, ada)
        made, _ = await asyncio.gather(
            ada("POST", shares_of(video), HOUR), ada("DELETE", f"/api/v1/generations/{video}")
        )
        assert made.status_code in (201, 410)
        assert (await one(gate, "SELECT count(*) AS n FROM shares"))["n"] == 0


async def test_only_those_who_see_a_video_share_list_and_revoke(gate: Gateway) -> None:
    ada, bob = Desk(gate, await gate.member("ada")), Desk(gate, await gate.member("bob"))
    lead = Desk(gate, await gate.member("lead", role=Role.ADMIN))
    video = await video_of(gate, ada)
    made = await shared(ada, video)
    for method, path, body in (
        ("POST", shares_of(video), HOUR),
        ("GET", shares_of(video), None),
        ("DELETE", f"{shares_of(video)}/{made['id']}", None),
    ):
        of_unknown = path.replace(video, str(uuid4()))
        refused, unknown = await bob(method, path, body), await bob(method, of_unknown, body)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert refused.json()["title"] == unknown.json()["title"]
    of_lead = await shared(lead, video)
    listed = (await ada("GET", shares_of(video))).json()["data"]
    assert {each["id"] for each in listed} == {made["id"], of_lead["id"]}
    # Of a share of another video, nothing.
    other = await video_of(gate, ada)
    assert (await ada("DELETE", f"{shares_of(other)}/{made['id']}")).status_code == 404
    # An administrator's link to a member's video ends with the role, as its own view does.
    await execute(gate, "UPDATE members SET role = 'MEMBER' WHERE name = 'lead'")
    assert (await opened(gate, of_lead["url"])).status_code == 404
    assert (await opened(gate, made["url"])).status_code == 200
    assert (await ada("DELETE", f"{shares_of(video)}/{of_lead['id']}")).status_code == 204


@pytest.mark.parametrize("table", ["members", "teams"])
async def test_a_link_rests_while_its_member_is_suspended(gate: Gateway, table: str) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    made = await shared(ada, video)
    await execute(gate, f"UPDATE {table} SET status = 'SUSPENDED'")
    assert (await opened(gate, made["url"])).status_code == 404
    refused = await ada("POST", shares_of(video), HOUR)
    assert (refused.status_code, refused.json()["code"]) == (403, "suspended")
    assert (await ada("GET", shares_of(video))).status_code == 200
    await execute(gate, f"UPDATE {table} SET status = 'ACTIVE'")
    assert (await opened(gate, made["url"])).status_code == 200


async def test_a_key_that_only_reads_shares_nothing(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    made = await ada("POST", "/api/v1/keys", {"scopes": ["read"]})
    reader = Desk(gate, made.json()["secret"])
    refused = await reader("POST", shares_of(video), HOUR)
    assert (refused.status_code, refused.json()["needed_scope"]) == (403, "generate")
    assert (await reader("GET", shares_of(video))).status_code == 200


async def test_a_compromised_key_takes_its_links_with_it(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    kept = await shared(ada, video)
    made = (await ada("POST", "/api/v1/keys", {})).json()
    leaked = Desk(gate, made["secret"])
    gone = await shared(leaked, video)
    revoked = await ada("POST", f"/api/v1/keys/{made['id']}/revoke", {"compromised": True})
    assert revoked.status_code == 200, revoked.text
    assert (await opened(gate, gone["url"])).status_code == 404
    assert (await opened(gate, kept["url"])).status_code == 200


@pytest.mark.parametrize("seconds", [0, 59, 86_401, 2**31, "an hour", None, 3600.5])
async def test_how_long_is_bounded(database_url: str, tmp_path: Path, seconds: Any) -> None:
    async with gateway(database_url, tmp_path, worker=False, max_share_seconds=86_400) as gate:
        ada = Desk(gate, await gate.member())
        made = await queued(ada)
        refused = await ada("POST", shares_of(made), {"expires_in_seconds": seconds})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "expires_in_seconds"


async def test_what_is_no_video_yet_cannot_be_shared(still_gate: Gateway) -> None:
    ada = Desk(still_gate, await still_gate.member())
    made = await queued(ada)
    refused = await ada("POST", shares_of(made), HOUR)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_ready")
    assert refused.json()["state"] == "queued"


async def test_operators_may_switch_it_off(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path) as gate:
        ada = Desk(gate, await gate.member())
        video = await video_of(gate, ada)
        made = await shared(ada, video)
        assert (await opened(gate, made["url"])).status_code == 200
        object.__setattr__(gate.rt.settings, "max_share_seconds", 0)
        assert (await opened(gate, made["url"])).status_code == 404
        refused = await ada("POST", shares_of(video), HOUR)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


async def test_a_video_has_so_many_and_upkeep_deletes_those_that_ended(gate: Gateway) -> None:
    ada = Desk(gate, await gate.member())
    video = await video_of(gate, ada)
    for _ in range(MAX_SHARES):
        await shared(ada, video)
    refused = await ada("POST", shares_of(video), HOUR)
    assert refused.status_code == 422
    assert "50 shares" in refused.json()["detail"]
    await execute(
        gate, "UPDATE shares SET expires_at = now() - interval '1 s' WHERE id IN"
        " (SELECT id FROM shares LIMIT 40)",
    )  # fmt: skip
    await shared(ada, video)
    async with gate.rt.db.begin() as tx:
        assert await shares.prune(tx) == 40
        assert await shares.prune(tx) == 0
    assert len((await ada("GET", shares_of(video))).json()["data"]) == MAX_SHARES - 40 + 1
