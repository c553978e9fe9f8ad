"""The Dream Machine over HTTP: what a create becomes, and what can be done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.harness.gateway import Gateway, body, gateway
from tests.harness.sockets import listening
from tests.harness.traces import execute, traces
from tests.luma.calling import DREAM_MACHINE, LION, bearer, dream, look

GENERATIONS = f"{DREAM_MACHINE}/generations"


@pytest.mark.parametrize("path", ["/generations/video", "/generations"])
async def test_a_create_answers_at_once_and_becomes_a_video(gate: Gateway, path: str) -> None:
    key = await gate.member()
    asked = {**LION, "duration": "9s", "resolution": "540p", "aspect_ratio": "1:1"}
    answer = await gate.http.post(DREAM_MACHINE + path, json=asked, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["state"] in ("queued", "dreaming")
    assert "assets" not in made
    assert made["model"] == "ray-2"
    assert made["request"] == {
        "generation_type": "video", "model": "ray-2", "prompt": "a lion", "duration": "10s",
        "resolution": "720p", "aspect_ratio": "1:1",
    }  # fmt: skip
    adjusted = "duration=9s->10s, resolution=540p->720p"
    assert answer.headers["Reelgate-Adjusted"] == adjusted
    assert answer.headers["Location"].endswith(f"{GENERATIONS}/{made['id']}")

    generation = await gate.closed(made["id"])
    done = (await look(gate, key, f"{GENERATIONS}/{made['id']}")).json()
    assert (done["state"], done["failure_reason"]) == ("completed", None)
    assert done["created_at"] == made["created_at"]
    video = await gate.http.get(done["assets"]["video"])
    assert (video.status_code, video.content[4:8]) == (200, b"ftyp")
    assert (generation.dialect, generation.spec.model) == ("luma", "ray-v2")


async def test_the_first_sdks_name_no_model_and_get_the_first(still_gate: Gateway) -> None:
    key = await still_gate.member()
    first = await still_gate.http.post(GENERATIONS, json={"prompt": "a lion"}, headers=bearer(key))
    assert first.status_code == 201, first.text
    assert (first.json()["model"], first.json()["request"]["model"]) == ("ray-1-6", "ray-1-6")
    kept = await still_gate.generation(UUID(first.json()["id"]))
    assert kept.spec.model == "ray-v1"
    present = await dream(still_gate, key, {"prompt": "a lion"})
    assert (present.status_code, present.json()["errors"][0]["field"]) == (400, "model")
    motions = await look(still_gate, key, f"{GENERATIONS}/camera_motion/list")
    assert motions.json() == []


async def test_an_unfinished_one_says_when_to_look_again(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = (await dream(still_gate, key)).json()
    answer = await look(still_gate, key, f"{GENERATIONS}/{made['id']}")
    assert answer.json()["state"] == "queued"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


async def test_a_failure_has_its_reason(gate: Gateway) -> None:
    key = await gate.member()
    made = (await dream(gate, key, {**LION, "prompt": "[sim:fail_later] a lion"})).json()
    await gate.closed(made["id"])
    failed = (await look(gate, key, f"{GENERATIONS}/{made['id']}")).json()
    assert (failed["state"], failed["failure_code"]) == ("failed", "upstream_failed")
    assert failed["failure_reason"]
    assert "assets" not in failed


async def test_it_waits_only_where_it_is_asked_to(gate: Gateway) -> None:
    key = await gate.member()
    answer = await dream(gate, key, prefer="wait=500")
    assert answer.status_code == 201
    assert answer.json()["state"] == "completed"
    assert answer.json()["assets"]["video"]
    assert answer.headers["Preference-Applied"] == "wait=500"


@pytest.mark.parametrize("said", ["x-stainless-read-timeout", "x-stainless-timeout"])
async def test_it_never_waits_as_long_as_the_sdk_does(still_gate: Gateway, said: str) -> None:
    key = await still_gate.member()
    answer = await dream(still_gate, key, LION, **{"prefer": "wait=900", said: "5.5"})
    assert (answer.status_code, answer.json()["state"]) == (201, "queued")
    assert answer.headers["Preference-Applied"] == "wait=0.5"


async def test_pages_are_counted_and_hold_every_dialects_generations(still_gate: Gateway) -> None:
    key, other = await still_gate.member(), await still_gate.member("bob")
    await dream(still_gate, other)
    native = (await still_gate.create(key, body())).json()["aiRecord"]["uuid"]
    ids = [native] + [(await dream(still_gate, key)).json()["id"] for _ in range(4)]
    newest_first = ids[::-1]

    pages, seen = [], []
    for offset in (0, 2, 4, 6):
        page = (await look(still_gate, key, f"{GENERATIONS}?limit=2&offset={offset}")).json()
        assert (page["limit"], page["offset"]) == (2, offset)
        pages.append((page["count"], page["has_more"]))
        seen += [one["id"] for one in page["generations"]]
    assert seen == newest_first
    assert pages == [(2, True), (2, True), (1, False), (0, False)]
    everything = (await look(still_gate, key, GENERATIONS)).json()
    assert (everything["limit"], everything["count"]) == (100, 5)
    # What another dialect made is shown with the model's own name.
    assert everything["generations"][-1]["request"]["model"] == "ray-v3"


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "offset=-1", "offset=x",
                                   "offset=99999999999999999999"])  # fmt: skip
async def test_a_page_that_cannot_be_is_refused(still_gate: Gateway, query: str) -> None:
    key = await still_gate.member()
    answer = await look(still_gate, key, f"{GENERATIONS}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_a_page_too_far_inside_is_refused_with_how_far_one_may_be(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    await dream(still_gate, key)
    last = await look(still_gate, key, f"{GENERATIONS}?offset=100000")
    assert (last.status_code, last.json()["count"], last.json()["has_more"]) == (200, 0, False)
    beyond = await look(still_gate, key, f"{GENERATIONS}?offset=100001")
    assert beyond.status_code == 400
    assert "100000" in beyond.json()["detail"]


async def test_every_form_of_an_id_is_understood(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = (await dream(still_gate, key)).json()["id"]
    bare = made.replace("-", "")
    for form in (made, bare, f"video_{bare}", made.upper()):
        assert (await look(still_gate, key, f"{GENERATIONS}/{form}")).json()["id"] == made


async def test_other_peoples_ids_are_unknown_ids(still_gate: Gateway) -> None:
    key, other = await still_gate.member(), await still_gate.member("bob")
    made = (await dream(still_gate, other)).json()["id"]
    for method in ("GET", "DELETE"):
        for wanted in (made, str(uuid4()), "nothing"):
            answer = await still_gate.http.request(
                method, f"{GENERATIONS}/{wanted}", headers=bearer(key)
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await look(still_gate, other, f"{GENERATIONS}/{made}")).json()["state"] == "queued"


async def test_deleting_cancels_what_is_queued(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=1_000_000)
    made = (await dream(still_gate, key)).json()["id"]
    left = await look(still_gate, key, f"{DREAM_MACHINE}/credits")
    assert left.json() == {"credit_balance": 850_000.0}
    for _ in range(2):
        answer = await still_gate.http.delete(f"{GENERATIONS}/{made}", headers=bearer(key))
        assert (answer.status_code, answer.content) == (204, b"")
    canceled = (await look(still_gate, key, f"{GENERATIONS}/{made}")).json()
    assert (canceled["state"], canceled["failure_reason"]) == ("failed", "canceled")
    left = await look(still_gate, key, f"{DREAM_MACHINE}/credits")
    assert left.json() == {"credit_balance": 1_000_000.0}


async def _in_parts() -> AsyncIterator[bytes]:
    for part in (b"{", b'"reason": "wrong prompt"', b"}"):
        yield part


async def test_a_body_with_a_delete_is_read_over(still_gate: Gateway) -> None:
    """Some clients send one with every request. All of these use one connection, so that a rest of
    a body would be taken for the next request."""
    key = await still_gate.member()
    headers = bearer(key) | {"Content-Type": "application/json"}
    ports = set()
    async with listening(still_gate) as http:
        for sent in (b"", b"{}", b"null", b"no JSON", b"x" * 200_000, _in_parts()):
            made = (await http.post(f"{GENERATIONS}/video", json=LION, headers=headers)).json()[
                "id"
            ]
            answer = await http.request(
                "DELETE", f"{GENERATIONS}/{made}", content=sent, headers=headers
            )
            assert (answer.status_code, answer.content) == (204, b""), answer.text
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
            canceled = (await http.get(f"{GENERATIONS}/{made}", headers=headers)).json()
            assert canceled["state"] == "failed"
    assert len(ports) == 1


async def test_what_is_under_way_is_not_deleted_and_the_sdk_does_not_try_again(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, speed=1) as gate:
        key = await gate.member()
        made = (await dream(gate, key)).json()["id"]
        while (await look(gate, key, f"{GENERATIONS}/{made}")).json()["state"] != "dreaming":
            pass
        answer = await gate.http.delete(f"{GENERATIONS}/{made}", headers=bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (409, "not_cancelable")
        assert answer.headers["x-should-retry"] == "false"
        assert (await look(gate, key, f"{GENERATIONS}/{made}")).json()["state"] == "dreaming"


async def test_deleting_what_has_ended_deletes_the_video_and_keeps_the_record(
    gate: Gateway,
) -> None:
    key = await gate.member()
    made = (await dream(gate, key)).json()["id"]
    await gate.archived(made)
    link = (await look(gate, key, f"{GENERATIONS}/{made}")).json()["assets"]["video"]
    answer = await gate.http.delete(f"{GENERATIONS}/{made}", headers=bearer(key))
    assert answer.status_code == 204
    kept = (await look(gate, key, f"{GENERATIONS}/{made}")).json()
    assert kept["state"] == "completed"
    assert "assets" not in kept
    assert (await gate.http.get(link)).status_code == 410


async def test_credits_are_what_is_left_of_the_member_or_of_the_team(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=400_000)
    other = await still_gate.member("bob")
    await dream(still_gate, other)
    path = f"{DREAM_MACHINE}/credits"
    assert (await look(still_gate, key, path)).json() == {"credit_balance": 400_000.0}
    await execute(still_gate, "UPDATE teams SET credit_limit = 250000")
    assert (await look(still_gate, key, path)).json() == {"credit_balance": 100_000.0}
    await execute(still_gate, "UPDATE teams SET credit_limit = 100000")
    assert (await look(still_gate, key, path)).json() == {"credit_balance": 0.0}


async def test_ping_and_concepts(still_gate: Gateway) -> None:
    key = await still_gate.member()
    assert (await look(still_gate, key, f"{DREAM_MACHINE}/ping")).json() == {"message": "pong"}
    assert (await look(still_gate, key, f"{GENERATIONS}/concepts/list")).json() == []
    assert (await still_gate.http.get(f"{DREAM_MACHINE}/ping")).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/image", "/image/reframe", "/video/modify", "/video/reframe", "/{id}/upscale", "/{id}/audio"],
)
async def test_what_the_upstream_has_not_is_refused_and_charges_nothing(
    still_gate: Gateway, path: str
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    answer = await still_gate.http.post(
        GENERATIONS + path.replace("{id}", str(uuid4())), json={}, headers=bearer(key)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "not_offered")
    assert (answer.json()["billed"], answer.json()["retry_safe"]) == (False, True)
    assert await traces(still_gate) == before


async def test_a_callback_may_go_where_the_operator_allows_it(
    database_url: str, tmp_path: Path
) -> None:
    inside = ("http://127.0.0.1:9",)
    async with gateway(
        database_url, tmp_path, worker=False, webhook_internal_origins=inside
    ) as gate:
        key = await gate.member()
        asked = {**LION, "callback_url": "http://127.0.0.1:9/done"}
        assert (await dream(gate, key, asked)).status_code == 201
        asked["callback_url"] = "http://127.0.0.1:10/done"
        assert (await dream(gate, key, asked)).status_code == 400


async def test_a_callback_is_kept_where_it_may_be_called(still_gate: Gateway) -> None:
    key = await still_gate.member()
    there = "https://studio.example/done"
    made = (await dream(still_gate, key, {**LION, "callback_url": there})).json()
    assert made["request"]["callback_url"] == there
    before = await traces(still_gate)
    for refused in ("http://studio.example/done", "https://127.0.0.1/done", "ftp://x", ""):
        answer = await dream(still_gate, key, {**LION, "callback_url": refused})
        assert answer.status_code == 400, refused
        assert answer.json()["errors"][0]["field"] == "callback_url"
    assert await traces(still_gate) == before
