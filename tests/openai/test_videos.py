"""Looking at videos, listing, fetching and deleting them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from app.domain.ids import parse_generation_id
from app.generations import lifecycle
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway
from tests.http.videos import pending_video
from tests.openai.asking import bearer, create, created, get, refusal
from tests.videos.videos import archived, files_in


def form_of(generation_id: UUID) -> str:
    return f"video_{generation_id.hex}"


async def submitting(gate: Gateway, video: dict[str, Any]) -> None:
    """As a worker would that has just taken it."""
    generation_id = parse_generation_id(video["id"])
    assert generation_id is not None
    [key_id] = (await gate.worker.upstream_key_ids_now()).values()
    async with lifecycle.begin(gate.rt) as transaction:
        assert await lifecycle.begin_attempt(
            transaction, generation_id, attempt=uuid4(), upstream_key_id=key_id,
            now=gate.rt.clock.now(),
        )  # fmt: skip


async def test_a_video_under_way_shows_progress_and_when_to_ask_again(
    database_url: str, tmp_path: Path
) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        video = await created(gate, key)
        queued = await get(gate, key, f"videos/{video['id']}")
        assert (queued.json()["status"], queued.json()["progress"]) == ("queued", 0)
        assert queued.headers["openai-poll-after-ms"] == "15000"
        assert queued.headers["Retry-After"] == "15"
        await submitting(gate, video)
        seen = []
        for seconds in (0, 60, 300, 300, 3_000):
            clock.move(seconds)
            answer = await get(gate, key, f"videos/{video['id']}")
            assert answer.json()["status"] == "in_progress"
            assert 2_000 <= int(answer.headers["openai-poll-after-ms"]) <= 15_000
            seen.append(answer.json()["progress"])
        assert seen == sorted(seen)
        assert seen[0] == 1
        assert seen[-1] <= 99


async def test_every_form_of_an_id_and_every_dialects_generation(gate: Gateway) -> None:
    key = await gate.member()
    native = UUID((await gate.create(key)).json()["aiRecord"]["uuid"])
    await gate.closed(str(native))
    for form in (str(native), native.hex, form_of(native), f"video_{native}"):
        video = (await get(gate, key, f"videos/{form}")).json()
        assert (video["id"], video["model"]) == (form_of(native), "ray-v3")
        assert (video["status"], video["size"], video["seconds"]) == ("completed", "1280x720", "5")
    listed = (await get(gate, key, "videos")).json()
    assert [each["id"] for each in listed["data"]] == [form_of(native)]
    ours = await created(gate, key)
    result = await gate.http.get(f"/api/results/{ours['id']}", headers=bearer(key))
    assert result.json()["aiRecord"]["uuid"] == str(parse_generation_id(ours["id"]))


async def test_other_peoples_videos_are_unknown_ones(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    video = await created(still_gate, ada)
    seen = []
    for wanted in (video["id"], f"video_{uuid4().hex}", "video_nothing", "a%2Fb%3Fc"):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
            answer = await still_gate.http.request(
                method, f"/v1/videos/{wanted}{path}", headers=bearer(bob)
            )
            seen.append(refusal(answer, 404, "not_found"))
    assert {error["type"] for error in seen} == {"invalid_request_error"}
    assert (await get(still_gate, bob, "videos")).json()["data"] == []
    await created(still_gate, ada)
    unseen = await get(still_gate, bob, "videos", after=video["id"])
    refusal(unseen, 400, "invalid_value")


async def test_a_list_is_paged_either_way_by_the_last_id(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=20, rate_burst=20)
    made = [(await created(still_gate, key))["id"] for _ in range(7)]
    for order, expected in (("desc", made[::-1]), ("asc", made), (None, made[::-1])):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 3, **({"order": order} if order else {})}
        while True:
            page = (await get(still_gate, key, "videos", **query)).json()
            ids = [video["id"] for video in page["data"]]
            assert page["object"] == "list"
            assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])
            seen += ids
            if not page["has_more"]:
                break
            query["after"] = page["last_id"]
        assert seen == expected
    everything = (await get(still_gate, key, "videos", limit=100)).json()
    assert (len(everything["data"]), everything["has_more"]) == (7, False)
    empty = (await get(still_gate, key, "videos", after=made[0])).json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None,
                     "has_more": False}  # fmt: skip
    nothing = (await get(still_gate, key, "videos", limit=0)).json()
    assert (nothing["data"], nothing["has_more"]) == ([], True)


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": 101}, "limit"), ({"limit": -1}, "limit"), ({"limit": "many"}, "limit"),
     ({"order": "up"}, "order"), ({"after": "video_0"}, "after")],
)  # fmt: skip
async def test_a_wrong_query_is_named(
    still_gate: Gateway, query: dict[str, Any], param: str
) -> None:
    key = await still_gate.member()
    error = refusal(await get(still_gate, key, "videos", **query), 400, "invalid_value")
    assert error["param"] == param
    assert error["message"].startswith(f"{param}")


async def test_the_file_is_streamed_with_ranges(gate: Gateway) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    path = f"/v1/videos/{form_of(generation.id)}/content"
    accept = {"Accept": "application/binary"}
    whole = await gate.http.get(path, headers=bearer(key) | accept)
    assert whole.status_code == 200
    assert whole.headers["Content-Type"] == "video/mp4"
    assert generation.asset is not None
    assert len(whole.content) == generation.asset.size_bytes
    part = await gate.http.get(path, headers=bearer(key, Range="bytes=4-7"))
    assert (part.status_code, part.content) == (206, b"ftyp")
    head = await gate.http.head(path, headers=bearer(key))
    assert head.headers["Content-Length"] == str(len(whole.content))
    tag = whole.headers["ETag"]
    same = await gate.http.get(path, headers=bearer(key, If_None_Match=tag))
    assert same.status_code == 304
    other = await gate.http.get(path, headers=bearer(key, If_Match='"other"'))
    refusal(other, 412, "precondition_failed")
    beyond = await gate.http.get(path, headers=bearer(key, Range="bytes=99999999-"))
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole.content)}"
    refusal(beyond, 416, "range_not_satisfiable")


async def test_pictures_are_made_of_the_file(gate: Gateway) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    path = f"/v1/videos/{form_of(generation.id)}/content"

    async def variant(name: str, **headers: str) -> httpx.Response:
        return await gate.http.get(path, params={"variant": name}, headers=bearer(key, **headers))

    thumbnail = await variant("thumbnail")
    assert (thumbnail.status_code, thumbnail.headers["Content-Type"]) == (200, "image/webp")
    shown = Image.open(io.BytesIO(thumbnail.content))
    assert (shown.format, shown.size) == ("WEBP", (640, 360))
    sheet = await variant("spritesheet")
    assert (sheet.status_code, sheet.headers["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(sheet.content)).size == (1600, 360)
    tag = thumbnail.headers["ETag"]
    assert (await variant("thumbnail", If_None_Match=tag)).status_code == 304
    assert (await variant("spritesheet", If_None_Match=tag)).status_code == 200
    assert (await variant("video")).headers["Content-Type"] == "video/mp4"
    assert refusal(await variant("poster"), 400, "invalid_value")["param"] == "variant"


async def test_what_is_not_there_yet_is_404_and_not_asked_for_again(still_gate: Gateway) -> None:
    key = await still_gate.member()
    video = await created(still_gate, key)
    for variant in ("video", "thumbnail", "spritesheet"):
        answer = await get(still_gate, key, f"videos/{video['id']}/content", variant=variant)
        assert refusal(answer, 404, "video_not_ready")["state"] == "queued"


async def test_a_video_on_its_way_is_streamed_and_its_pictures_come_in_a_moment(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    generation_id = await pending_video(still_gate, key)
    path = f"videos/{form_of(generation_id)}/content"
    assert (await get(still_gate, key, path)).content[4:8] == b"ftyp"
    early = await get(still_gate, key, path, variant="thumbnail")
    refusal(early, 404, "video_not_ready", retry="true")
    assert early.headers["Retry-After"] == "2"


async def test_a_deleted_video_keeps_its_record_and_loses_its_file(
    gate: Gateway, tmp_path: Path
) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    path = f"/v1/videos/{form_of(generation.id)}"
    pictured = await gate.http.get(f"{path}/content?variant=thumbnail", headers=bearer(key))
    assert pictured.status_code == 200
    for _ in range(2):
        gone = await gate.http.delete(
            path, headers=bearer(key) | {"Content-Type": "application/json"}
        )
        assert gone.json() == {
            "id": form_of(generation.id), "object": "video.deleted", "deleted": True,
        }  # fmt: skip
    assert files_in(gate.rt.settings.data_dir / "archive") == []
    record = (await gate.http.get(path, headers=bearer(key))).json()
    assert record["status"] == "completed"
    assert record["expires_at"] == record["completed_at"]
    for variant in ("video", "thumbnail", "spritesheet"):
        answer = await gate.http.get(f"{path}/content?variant={variant}", headers=bearer(key))
        refusal(answer, 404, "video_expired")


async def test_what_is_with_the_upstream_cannot_be_deleted(still_gate: Gateway) -> None:
    key = await still_gate.member()
    video = await created(still_gate, key)
    await submitting(still_gate, video)
    answer = await still_gate.http.delete(f"/v1/videos/{video['id']}", headers=bearer(key))
    error = refusal(answer, 400, "not_cancelable")
    assert error["status"] == "in_progress"
    assert "cannot be called back" in error["message"]


async def test_a_failed_video_says_why(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("fail_later", code="MODERATION_BLOCKED")
    video = await created(gate, key)
    generation_id = parse_generation_id(video["id"])
    await gate.closed(str(generation_id))
    failed = (await get(gate, key, f"videos/{video['id']}")).json()
    assert (failed["status"], failed["completed_at"]) == ("failed", None)
    assert failed["error"]["code"] == "moderation_blocked"
    assert failed["error"]["message"]
    refusal(await get(gate, key, f"videos/{video['id']}/content"), 404, "video_not_ready")
    gone = await gate.http.delete(f"/v1/videos/{video['id']}", headers=bearer(key))
    assert gone.status_code == 200


async def test_models_are_listed_under_all_their_names(still_gate: Gateway) -> None:
    key = await still_gate.member()
    listed = (await get(still_gate, key, "models")).json()
    assert listed["object"] == "list"
    names = {model["id"]: model["stands_for"] for model in listed["data"]}
    assert names["sora-2"] == names["ray-v3"] == "ray-v3"
    assert {"id", "object", "created", "owned_by"} <= listed["data"][0].keys()
    one = (await get(still_gate, key, "models/sora-2")).json()
    assert one in listed["data"]
    refusal(await get(still_gate, key, "models/gpt-4"), 404, "not_found")
    refusal(await get(still_gate, "rg_nobody", "models"), 401, "invalid_api_key")


async def test_the_frameworks_own_errors_have_the_shape(still_gate: Gateway) -> None:
    key = await still_gate.member()
    refusal(await get(still_gate, key, "nothing"), 404, "not_found")
    wrong = await still_gate.http.put("/v1/videos", headers=bearer(key))
    refusal(wrong, 405, "method_not_allowed")
    assert wrong.headers["Allow"]
    large = await create(still_gate, key, {"prompt": "x" * 2_000_000})
    refusal(large, 413, "payload_too_large")
    nobody = await still_gate.http.get("/v1/videos")
    refusal(nobody, 401, "invalid_api_key")
    assert nobody.headers["WWW-Authenticate"] == "Bearer"


async def test_limits_say_whether_and_when_the_sdk_may_come_back(still_gate: Gateway) -> None:
    slow = await still_gate.member("slow", rate_per_minute=1, rate_burst=1)
    await created(still_gate, slow)
    limited = await create(still_gate, slow)
    error = refusal(limited, 429, "rate_limit_exceeded", retry="true")
    assert (error["limit"], error["limit_value"]) == ("rate_per_minute", 1)
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    poor = await still_gate.member("poor", credit_limit=1)
    broke = await create(still_gate, poor)
    error = refusal(broke, 429, "insufficient_quota")
    assert (error["type"], error["limit"]) == ("insufficient_quota", "member_credit_limit")
    assert "Retry-After" not in broke.headers
    busy = await still_gate.member("busy", max_open=1)
    await created(still_gate, busy)
    refusal(await create(still_gate, busy), 429, "max_open_reached", retry="true")


async def test_the_dialect_describes_itself(still_gate: Gateway) -> None:
    described = (await still_gate.http.get("/v1/openapi.json")).json()
    create_video = described["paths"]["/videos"]["post"]
    assert set(create_video["requestBody"]["content"]) == {
        "application/json", "multipart/form-data",
    }  # fmt: skip
    ids = [operation["operationId"] for path in described["paths"].values()
           for operation in path.values()]  # fmt: skip
    assert len(ids) == len(set(ids)) == 16
    assert "HTTPValidationError" not in str(described)
    for path in described["paths"].values():
        for operation in path.values():
            assert {"401", "408", "413", "500", "503"} <= operation["responses"].keys()
    content = described["paths"]["/videos/{video_id}/content"]["get"]["responses"]
    assert {"200", "206", "304", "412", "416"} <= content.keys()
