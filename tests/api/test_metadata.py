"""Tags: every API takes them, in the body or in a header, and nobody else gets them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.db import generations
from app.domain.caller import Role
from app.domain.generation import State
from app.domain.metadata import HEADER, MAX_KEY_CHARS, MAX_TAGS, MAX_VALUE_CHARS
from app.worker import submissions
from tests.api.test_create import asked, get
from tests.api.test_end_user import created_id
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import traces
from tests.luma.calling import AGENTS, DREAM_MACHINE, LION
from tests.openai import asking as openai
from tests.upstream.loopback import serving
from tests.worker.test_records import Upstream

TAGS = {"cost_centre": "4711", "Project Ω": "böat"}
#: Where each API creates, and from what. The body is JSON, escaped, so that it can say anything.
CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/videos", {"prompt": "a lion"}),
    "agents": (f"{AGENTS}/generations", {"type": "video", "prompt": "a lion"}),
    "rest": ("/api/v1/generations", asked()),
    "dream_machine": (f"{DREAM_MACHINE}/generations/video", LION),
    "native": ("/api/features", body() | {"async": True}),
}


async def send_with(
    gate: Gateway, key: str, way: str, more: dict[str, Any], **headers: str
) -> httpx.Response:
    """With a field or two more, and with these headers."""
    sent = openai.bearer(key, **headers)
    if way == "form":
        tags = {f"metadata[{name}]": tag for name, tag in more.get("metadata", {}).items()}
        form = openai.form({"prompt": "a lion", **tags})
        return await gate.http.post("/v1/videos", headers=sent, **form)
    if way == "remix":
        source = await openai.created(gate, key)
        path, fields = f"/v1/videos/{source['id']}/remix", {"prompt": "a lioness"}
    else:
        path, fields = CREATES[way]
    return await gate.http.post(path, content=json.dumps({**fields, **more}), headers=sent)


async def _kept(gate: Gateway, answer: httpx.Response) -> dict[str, str]:
    return dict((await gate.generation(created_id(answer))).metadata)


def _in_header(tags: dict[str, str]) -> dict[str, str]:
    return {HEADER.replace("-", "_"): json.dumps(tags)}


@pytest.mark.parametrize("way", [*CREATES, "form", "remix"])
async def test_they_are_kept_from_the_body_and_the_header(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    made = await send_with(still_gate, key, way, {"metadata": TAGS})
    assert await _kept(still_gate, made) == TAGS
    assert (await get(still_gate, key, str(created_id(made))))["metadata"] == TAGS
    made = await send_with(still_gate, key, way, {}, **_in_header(TAGS))
    assert await _kept(still_gate, made) == TAGS
    both = {"metadata": {"cost_centre": "12"}}
    made = await send_with(still_gate, key, way, both, **_in_header(TAGS))
    assert await _kept(still_gate, made) == TAGS | {"cost_centre": "12"}
    most = {"x" * (MAX_KEY_CHARS - 2) + f"{n:02}": "y" * MAX_VALUE_CHARS for n in range(MAX_TAGS)}
    assert (
        await _kept(still_gate, await send_with(still_gate, key, way, {"metadata": most})) == most
    )


async def test_a_header_may_be_in_plain_utf8(still_gate: Gateway) -> None:
    key = await still_gate.member()

    async def send(tags: bytes) -> httpx.Response:
        headers = [(b"API-KEY", key.encode()), (HEADER.encode(), tags)]
        return await still_gate.http.post("/api/v1/generations", json=asked(), headers=headers)

    made = await send(json.dumps(TAGS, ensure_ascii=False).encode())
    assert await _kept(still_gate, made) == TAGS
    latin_1 = await send(json.dumps(TAGS | {"Project Ω": "b"}).encode() + b"\xff")
    assert only_issue("rest", latin_1)["field"] == HEADER


async def test_openai_shows_them(still_gate: Gateway) -> None:
    key = await still_gate.member()
    assert (await openai.created(still_gate, key))["metadata"] == {}
    made = await openai.created(still_gate, key, {"metadata": TAGS})
    assert made["metadata"] == TAGS
    assert (await openai.get(still_gate, key, f"videos/{made['id']}")).json()["metadata"] == TAGS


@pytest.mark.parametrize("way", ["openai", "remix", "agents", "dream_machine"])
@pytest.mark.parametrize("nothing", [None, {}])
async def test_sdks_may_send_nothing(still_gate: Gateway, way: str, nothing: object) -> None:
    made = await send_with(still_gate, await still_gate.member(), way, {"metadata": nothing})
    assert await _kept(still_gate, made) == {}


_TOO_MANY = {f"k{n}": "v" for n in range(MAX_TAGS + 1)}
#: What may not be sent: the field that the error names, and what it says.
_HOSTILE: list[tuple[Any, str, str]] = [
    ("cost_centre=4711", "{}", "must be a JSON object whose values are strings"),
    ([{"a": "b"}], "{}", "must be a JSON object whose values are strings"),
    (_TOO_MANY, "{}", f"must have at most {MAX_TAGS} keys"),
    ({f"k{n}": "v" for n in range(50_000)}, "{}", f"must have at most {MAX_TAGS} keys"),
    ({"a": 7}, "{}.a", "must be a string"),
    ({"a": None}, "{}.a", "must be a string"),
    ({"a": {"b": "c"}}, "{}.a", "must be a string"),
    ({"a": ["b"]}, "{}.a", "must be a string"),
    ({"": "b"}, "{}", "a key must not be empty"),
    ({"x" * 65: "b"}, "{}", f"a key must be at most {MAX_KEY_CHARS} characters long, this is 65"),
    ({"a": "x" * 513}, "{}.a", f"must be at most {MAX_VALUE_CHARS} characters long, this is 513"),
    ({"a": "x\x00"}, "{}.a", "must not contain NUL or unpaired surrogate characters"),
    ({"a\x00": "x"}, "{}", "a key must not contain NUL"),
    ({"a": "\ud83d"}, "{}.a", "must not contain NUL or unpaired surrogate characters"),
    ({"\udc00": "x"}, "{}", "a key must not contain NUL"),
]


def only_issue(way: str, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (400, 422), answer.text
    document = answer.json()
    error = document["error"] if way == "openai" else document
    assert error["billed"] is False
    [issue] = error["details" if way in ("openai", "native") else "errors"]
    found: dict[str, Any] = issue
    return found


@pytest.mark.parametrize("way", CREATES)
async def test_hostile_ones_are_refused_and_named(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)
    for tags, field, said in _HOSTILE:
        issue = only_issue(way, await send_with(still_gate, key, way, {"metadata": tags}))
        assert issue["field"] == field.format("metadata")
        assert said in issue["message"]
        sent = json.dumps(tags)
        if len(sent) < 10_000:
            issue = only_issue(
                way, await send_with(still_gate, key, way, {}, Reelgate_Metadata=sent)
            )
            assert issue["field"] == field.format(HEADER)
            assert said in issue["message"]
    for sent in ("cost_centre=4711", "", "{", "[" * 9_000, '{"a": "b"}, {"c": "d"}'):
        headers = {"Reelgate_Metadata": sent}
        issue = only_issue(way, await send_with(still_gate, key, way, {}, **headers))
        assert issue["field"] == HEADER
    full = _in_header({f"k{n}": "v" for n in range(MAX_TAGS)})
    issue = only_issue(way, await send_with(still_gate, key, way, {"metadata": {"a": "b"}}, **full))
    assert (issue["field"], issue["value"]) == ("metadata", MAX_TAGS + 1)
    assert await traces(still_gate) == before


@pytest.mark.parametrize("way", CREATES)
async def test_a_key_stands_for_one_set_of_tags(still_gate: Gateway, way: str) -> None:
    key = await still_gate.member()
    same = list(reversed(TAGS.items()))
    sent = {"metadata": TAGS}
    first = created_id(await send_with(still_gate, key, way, sent, Idempotency_Key="k"))
    again = await send_with(still_gate, key, way, {"metadata": dict(same)}, Idempotency_Key="k")
    assert created_id(again) == first
    header = await send_with(still_gate, key, way, {}, Idempotency_Key="k", **_in_header(TAGS))
    assert created_id(header) == first
    for other in ({}, {"metadata": {"cost_centre": "12"}}):
        refused = await send_with(still_gate, key, way, other, Idempotency_Key="k")
        assert refused.status_code == 422
        assert "idempotency_mismatch" in refused.text.lower()


async def test_a_remix_and_a_retry_keep_them(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await openai.created(still_gate, key, {"metadata": TAGS})

    async def remix(more: dict[str, Any], **headers: str) -> dict[str, str]:
        answer = await still_gate.http.post(
            f"/v1/videos/{made['id']}/remix", json={"prompt": "a lioness", **more},
            headers=openai.bearer(key, **headers),
        )  # fmt: skip
        return await _kept(still_gate, answer)

    assert await remix({}) == TAGS
    assert await remix({"metadata": {"cost_centre": "12"}}) == TAGS | {"cost_centre": "12"}
    assert await remix({}, **_in_header({"cost_centre": "13"})) == TAGS | {"cost_centre": "13"}
    path = f"/api/v1/generations/{made['id']}"
    assert (await still_gate.http.post(path + "/cancel", headers={"API-KEY": key})).is_success
    retried = await still_gate.http.post(path + "/retry", headers={"API-KEY": key})
    assert retried.json()["metadata"] == TAGS


async def test_the_lists_filter_by_them(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for tags in ({"a": "1"}, {"a": "1", "b": "2"}, {"a": "2"}, {}, {"[x]": "é"}):
        await send_with(still_gate, key, "rest", {"metadata": tags})

    async def listed(path: str, query: list[tuple[str, str]]) -> list[dict[str, str]]:
        headers = openai.bearer(key)
        answer = await still_gate.http.get(path, params=query, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return [each["metadata"] for each in answer.json()["data"]]

    for path in ("/api/v1/generations", "/v1/videos"):
        assert await listed(path, [("metadata[a]", "1")]) == [{"a": "1", "b": "2"}, {"a": "1"}]
        both = [("metadata[a]", "1"), ("metadata[b]", "2")]
        assert await listed(path, both) == [{"a": "1", "b": "2"}]
        assert await listed(path, [("metadata[[x]]", "é")]) == [{"[x]": "é"}]
        assert await listed(path, [("metadata[a]", "")]) == []
        assert len(await listed(path, [])) == 5
        for query, said in (
            ([("metadata", "1")], "must be metadata[KEY]=VALUE"),
            ([("metadata[]", "1")], "must be metadata[KEY]=VALUE"),
            ([("metadata[a", "1")], "must be metadata[KEY]=VALUE"),
            ([("metadata[a]", "1"), ("metadata[a]", "2")], "each key once"),
            ([("metadata[a]", "\x00")], "must not contain NUL"),
            ([("metadata[" + "x" * 65 + "]", "1")], "a key must be at most 64 characters long"),
            ([("metadata[a]", "x" * 513)], "must be at most 512 characters long"),
            ([(f"metadata[{n}]", "x") for n in range(17)], "must have at most 16 keys"),
        ):
            answer = await still_gate.http.get(
                path, params=query, headers=openai.bearer(key)  # type: ignore[arg-type]
            )  # fmt: skip
            assert answer.status_code in (400, 422), (query, answer.text)
            assert said in answer.text


async def test_a_member_does_not_find_the_tags_of_others(still_gate: Gateway) -> None:
    first, second = await still_gate.member(), await still_gate.member(name="bob")
    await send_with(still_gate, first, "rest", {"metadata": TAGS})
    for path in ("/api/v1/generations", "/v1/videos"):
        query = {"metadata[cost_centre]": "4711"}
        headers = openai.bearer(second)
        answer = await still_gate.http.get(path, params=query, headers=headers)
        assert answer.json()["data"] == []


async def test_a_rare_tag_is_found_by_its_index(still_gate: Gateway) -> None:
    """Among many of its team, each of which would be a row of the usage."""
    key = await still_gate.member()
    made = created_id(
        await send_with(still_gate, key, "rest", {"metadata": {"order": "7", "a": "b"}})
    )
    one = await still_gate.generation(made)
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                """
                INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature,
                    provider, spec, model, kind, fingerprint, state, quote, created_at,
                    queue_deadline_at, metadata)
                SELECT gen_random_uuid(), team_id, member_id, api_key_id, dialect, feature,
                    provider, spec, model, kind, fingerprint, state, quote,
                    created_at - n * interval '1 s', now(),
                    jsonb_build_object('order', 'n' || n, 'a', 'b')
                  FROM generations, generate_series(1, 20000) n
                """
            )
        )
        await tx.execute(text("ANALYZE generations"))
        found = await generations.list_visible(
            tx, team_id=one.team_id, member_id=None, metadata={"order": "7"}, limit=20
        )
        assert [each.id for each in found] == [made]
        plan = await tx.execute(
            text(
                f"""
                EXPLAIN SELECT id FROM generations g WHERE g.team_id = :team_id
                    AND {generations.HAS_TAGS} ORDER BY g.created_at DESC, g.id DESC LIMIT 20
                """
            ),
            {"team_id": one.team_id, "metadata": '{"order": "7"}'},
        )
        assert "generations_metadata_idx" in "\n".join(line[0] for line in plan)
    by_order = {"group_by": "metadata[order]"}
    refused = await _usage(still_gate, key, **by_order)
    [issue] = refused.json()["errors"]
    assert (issue["field"], issue["value"]) == ("group_by", "metadata[order]")
    assert "more than 10000 rows" in issue["message"]
    [row] = (await _usage(still_gate, key, **by_order, **{"metadata[order]": "7"})).json()["data"]
    assert (row["tag"], row["generations"]) == ("7", 1)


async def _usage(gate: Gateway, key: str, **query: str) -> httpx.Response:
    return await gate.http.get("/api/v1/usage", params=query, headers=openai.bearer(key))


async def test_usage_can_be_of_a_tag_and_by_a_tag(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    boss = await still_gate.member("boss", role=Role.ADMIN)
    for key, tags in (
        (ada, {"cost_centre": "12", "order": "a"}),
        (ada, {"cost_centre": "12", "order": "b"}),
        (ada, {"cost_centre": "=13", "order": "a"}),
        (ada, {}),
        (bob, {"cost_centre": "12"}),
    ):
        await send_with(still_gate, key, "rest", {"metadata": tags})

    async def rows(key: str, **query: str) -> list[tuple[str | None, int, int]]:
        document = (await _usage(still_gate, key, **query)).json()
        found = document["data"]
        if "group_by" in query:
            assert document["group_by"] == [query["group_by"]]
        for sum_of in ("generations", "held_credits"):
            assert document[sum_of] == sum(row[sum_of] for row in found)
        return [(row["tag"], row["generations"], row["held_credits"]) for row in found]

    by = {"group_by": "metadata[cost_centre]"}
    assert await rows(ada) == [(None, 4, 600_000)]
    assert await rows(ada, **by) == [("12", 2, 300_000), ("=13", 1, 150_000), (None, 1, 150_000)]
    of = {"metadata[cost_centre]": "12"}
    assert await rows(ada, **of) == [(None, 2, 300_000)]
    assert await rows(ada, **of, **{"metadata[order]": "a"}) == [(None, 1, 150_000)]
    assert await rows(ada, **of, group_by="metadata[order]") == [
        ("a", 1, 150_000), ("b", 1, 150_000)
    ]  # fmt: skip
    assert await rows(boss, scope="team", **of, **by) == [("12", 3, 450_000)]
    answer = await _usage(still_gate, ada, format="csv", **by)
    read = csv.DictReader(io.StringIO(answer.text))
    assert [(row["metadata[cost_centre]"], row["held_credits"]) for row in read] == [
        # As text for a spreadsheet, not as a formula.
        ("12", "300000"), ("'=13", "150000"), ("", "150000"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [{"group_by": "cost_centre"}, {"group_by": "metadata[]"}, {"group_by": "metadata[\x00]"},
     {"group_by": f"metadata[{'x' * 65}]"}, {"metadata": "12"}, {"metadata[a]": "\x00"}],
)  # fmt: skip
async def test_no_tag_has_no_usage(still_gate: Gateway, query: dict[str, str]) -> None:
    answer = await _usage(still_gate, await still_gate.member(), **query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].partition("[")[0] in (
        *query,
        "metadata",
        "metadata.a",
    )


async def test_the_upstream_never_hears_of_them(database_url: str, tmp_path: Path) -> None:
    ways = [*CREATES, "form", "remix"]
    async with (
        serving(Upstream()) as server,
        gateway(database_url, tmp_path, worker=False) as gate,
    ):
        gate.worker.upstream._base_url = server.url
        key = await gate.member()
        for way in ways:
            sent = {"metadata": {"secret_centre": "hush"}}
            made = created_id(
                await send_with(gate, key, way, sent, **_in_header({"other": "hush"}))
            )
            await submissions.submit(gate.worker, made)
            assert (await gate.generation(made)).state is State.RUNNING
    assert [request.method for request in server.requests] == ["POST"] * len(ways)
    assert "hush" not in repr(server.requests)
    assert "centre" not in repr(server.requests)
