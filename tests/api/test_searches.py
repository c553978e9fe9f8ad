"""Lists by words of the prompt, by model and by favorites: bounded, complete, and never somebody
else's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import searches
from app.domain.caller import Role
from app.domain.searches import MAX_CHARS, MAX_WORDS
from tests.api.desk import Desk
from tests.api.test_list import flat, ids, list_of, pages
from tests.harness.gateway import Gateway, body
from tests.harness.traces import execute, one

_LISTS = ("/api/v1/generations", "/api/v1/admin/generations")


async def make(gate: Gateway, key: str, *prompts: str, **options: Any) -> list[str]:
    made = [(await gate.create(key, body(prompt, **options))).json() for prompt in prompts]
    return [answer["aiRecord"]["uuid"] for answer in made]


@pytest.mark.parametrize(
    ("prompt", "query"),
    [
        ("A Fox in snow", "fox"), ("a fox in snow", "SNOW FOX"), ("foxes", "oxe"),
        ("Ein Fuchs überm Zaun", "ÜBER"), ("лиса в снегу", "ЛИСА"), ("ΛΙΣΑ", "λισα"),
        ("eine Straße", "straße"), ("雪の中の狐", "狐"), ("100 % (a|b) \\d *.?", "(a|b) \\d *.?"),
        ("a fox", "  fox\t"), ("under_score", "r_s"), ("***=lion", "***="),
    ],
)  # fmt: skip
async def test_words_are_found_in_any_order_and_in_either_case(
    still_gate: Gateway, prompt: str, query: str
) -> None:
    key = await still_gate.member()
    made = await make(still_gate, key, prompt)
    await make(still_gate, key, "a lion")
    assert await ids(still_gate, key, q=query) == made


@pytest.mark.parametrize(
    ("prompt", "query"),
    [("a fox", "fox lion"), ("100 d", "%"), ("abc", "."), ("axc", "a_c"), ("3", "\\d")],
)
async def test_what_is_no_word_of_it_is_not_found(
    still_gate: Gateway, prompt: str, query: str
) -> None:
    key = await still_gate.member()
    await make(still_gate, key, prompt)
    assert await ids(still_gate, key, q=query) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("  ", "must have a word"),
        ("x " * (MAX_WORDS + 1), f"at most {MAX_WORDS} words"),
        ("a\x00b", "NUL"),
        ("x" * (MAX_CHARS + 1), f"at most {MAX_CHARS} characters"),
    ],
)
async def test_a_search_is_refused_by_name(still_gate: Gateway, query: str, said: str) -> None:
    key = await still_gate.member("boss", role=Role.ADMIN)
    for path in _LISTS:
        refused = await still_gate.http.get(path, params={"q": query}, headers={"API-KEY": key})
        assert refused.status_code == 422, path
        [issue] = refused.json()["errors"]
        assert issue["field"] == "q"
        assert said in issue["message"]


async def test_filters_are_met_together(still_gate: Gateway) -> None:
    key = await still_gate.member()
    red, long, blue = [
        *await make(still_gate, key, "a red fox"),
        *await make(still_gate, key, "a red fox", modelName="ray-v2"),
        *await make(still_gate, key, "a blue fox"),
    ]
    await execute(still_gate, "UPDATE generations SET state = 'unknown' WHERE id = :id",
                  id=UUID(blue))  # fmt: skip
    assert await ids(still_gate, key, q="fox") == [blue, long, red]
    assert await ids(still_gate, key, q="red", state="queued") == [long, red]
    assert await ids(still_gate, key, q="fox", state="unknown") == [blue]
    assert await ids(still_gate, key, model="ray-v3") == [blue, red]
    assert await ids(still_gate, key, model="ray-v2", q="red") == [long]
    unknown = await list_of(still_gate, key, model="ray-9")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "model")


async def test_everybody_searches_their_own_and_leads_their_team(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    lead = await still_gate.member("lead", role=Role.ADMIN)
    other = await still_gate.member("eve", team="films", role=Role.ADMIN)
    [hers], [his] = await make(still_gate, ada, "a fox"), await make(still_gate, bob, "a fox")
    assert await ids(still_gate, ada, q="fox") == [hers]
    assert await ids(still_gate, bob, q="fox") == [his]
    assert await ids(still_gate, lead, q="fox") == [his, hers]
    assert await ids(still_gate, other, q="fox") == []
    desk = Desk(still_gate, lead)
    found = (await desk("GET", "/api/v1/admin/generations?q=fox")).json()
    assert [each["id"] for each in found["data"]] == [his, hers]
    assert found["data"][0]["favorite"] is None
    none = (await Desk(still_gate, other)("GET", "/api/v1/admin/generations?q=fox")).json()
    assert none["data"] == []


async def test_operators_search_one_team_at_a_time(still_gate: Gateway) -> None:
    ada = await still_gate.member("ada")
    [hers] = await make(still_gate, ada, "a fox")
    operator = Desk(still_gate, await still_gate.member("op", team="default", role=Role.ADMIN))
    refused = await operator("GET", "/api/v1/admin/generations?q=fox")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "q")
    row = await one(still_gate, "SELECT team_id, member_id, api_key_id AS key_id FROM generations")
    for name, value in row.items():
        found = await operator("GET", f"/api/v1/admin/generations?q=FOX&{name}={value}")
        assert [each["id"] for each in found.json()["data"]] == [hers], name
    nobodys = await operator("GET", f"/api/v1/admin/generations?q=lion&team_id={row['team_id']}")
    assert nobodys.json()["data"] == []


async def test_favorites_are_each_members_own(still_gate: Gateway) -> None:
    ada = await still_gate.member("ada")
    lead = await still_gate.member("lead", role=Role.ADMIN)
    first, second = await make(still_gate, ada, "a fox", "a lion")
    path = f"/api/v1/generations/{first}"
    for _ in range(2):
        marked = await still_gate.http.put(f"{path}/favorite", headers={"API-KEY": ada})
        assert (marked.status_code, marked.content) == (204, b"")
    assert (await still_gate.http.get(path, headers={"API-KEY": ada})).json()["favorite"] is True
    assert (await still_gate.http.get(path, headers={"API-KEY": lead})).json()["favorite"] is False
    listed = (await list_of(still_gate, ada)).json()["data"]
    assert {each["id"]: each["favorite"] for each in listed} == {first: True, second: False}
    assert await ids(still_gate, ada, favorite=True) == [first]
    assert await ids(still_gate, lead, favorite=True) == []
    await still_gate.http.put(f"{path}/favorite", headers={"API-KEY": lead})
    assert await ids(still_gate, lead, favorite=True, q="fox") == [first]
    assert await ids(still_gate, lead, favorite=True, q="lion") == []
    for _ in range(2):
        cleared = await still_gate.http.delete(f"{path}/favorite", headers={"API-KEY": ada})
        assert cleared.status_code == 204
    assert await ids(still_gate, ada, favorite=True) == []
    assert await ids(still_gate, lead, favorite=True) == [first]


async def test_nobody_marks_what_they_may_not_see(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    [hers] = await make(still_gate, ada, "a fox")
    for key, generation in ((bob, hers), (ada, "3fa85f64-5717-4562-b3fc-2c963f66afa6")):
        for method in ("PUT", "DELETE"):
            refused = await still_gate.http.request(
                method, f"/api/v1/generations/{generation}/favorite", headers={"API-KEY": key}
            )
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    # Marks of generations that a former administrator may no longer see are not shown.
    lead = await still_gate.member("lead", role=Role.ADMIN)
    await still_gate.http.put(f"/api/v1/generations/{hers}/favorite", headers={"API-KEY": lead})
    await execute(still_gate, "UPDATE members SET role = 'MEMBER' WHERE name = 'lead'")
    assert await ids(still_gate, lead, favorite=True) == []


async def test_a_suspended_member_marks_nothing(still_gate: Gateway) -> None:
    ada = await still_gate.member("ada")
    [hers] = await make(still_gate, ada, "a fox")
    await execute(still_gate, "UPDATE members SET status = 'SUSPENDED'")
    for method in ("PUT", "DELETE"):
        refused = await still_gate.http.request(
            method, f"/api/v1/generations/{hers}/favorite", headers={"API-KEY": ada}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "suspended")


#: More copies of the only generation, each a second older than the one before.
_PAST = """
    INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature, provider, spec,
        model, kind, fingerprint, state, quote, created_at, queue_deadline_at)
    SELECT gen_random_uuid(), team_id, member_id, api_key_id, dialect, feature, provider,
        jsonb_set(spec, '{prompt}', to_jsonb('film ' || n || CASE WHEN n % 400 = 0
                                             THEN ' with a fox' ELSE '' END)),
        CASE WHEN n % 400 = 0 THEN 'ray-v2' ELSE model END,
        kind, fingerprint, state, quote, created_at - n * interval '1 s', now()
      FROM generations, generate_series(1, 12000) n
"""
_LOOKED = 500
#: Rows that this transaction has read.
_READ = text(
    "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('generations', 'favorites', 'assets')"
)


@pytest.fixture
def looks_at_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "LOOKED", _LOOKED)


@pytest.mark.parametrize("query", [{"q": "fox"}, {"model": "ray-v2"}])
@pytest.mark.usefixtures("looks_at_little")
async def test_a_search_goes_on_behind_what_a_page_has_looked_at(
    still_gate: Gateway, query: dict[str, str]
) -> None:
    """One in 400, of which a page looks at 500."""
    lead = await still_gate.member("lead", role=Role.ADMIN)
    await make(still_gate, lead, "a lion")
    await execute(still_gate, _PAST)
    found = await pages(still_gate, lead, **query)
    assert {len(page) for page in found} <= {1, 2}
    whole = flat(found)
    assert len(set(whole)) == len(whole) == 12_000 // 400
    assert flat(await pages(still_gate, lead, limit=1, **query)) == whole
    if "q" in query:
        desk, managed, cursor = Desk(still_gate, lead), [], ""
        while cursor is not None:
            page = (await desk("GET", f"/api/v1/admin/generations?q=fox{cursor}")).json()
            managed += [each["id"] for each in page["data"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        assert managed == whole


@pytest.mark.usefixtures("looks_at_little")
async def test_a_page_reads_no_more_than_it_looks_at(still_gate: Gateway) -> None:
    """Whatever Postgres believes of the words, the model, the state and the tags."""
    key = await still_gate.member()
    [made] = await make(still_gate, key, "a lion")
    await execute(still_gate, _PAST)
    await execute(still_gate, "ANALYZE generations")
    own = await still_gate.generation(UUID(made))
    wanted: list[dict[str, Any]] = [
        {"patterns": ("nowhere",)}, {"model": "kling-2.5"},
        {"patterns": ("nowhere",), "metadata": {"a": "b"}, "end_user": "x"},
        {"patterns": ("nowhere",), "model": "ray-v2"},
    ]  # fmt: skip
    for member_id in (own.member_id, None):
        for each in wanted:
            async with still_gate.rt.db.begin() as tx:
                before = await tx.scalar(_READ) or 0
                found = await searches.list_wanted(
                    tx, searches.Wanted(team_id=own.team_id, member_id=member_id, **each),
                    after=None, limit=20,
                )  # fmt: skip
                read = (await tx.scalar(_READ) or 0) - before
            assert found.generations == []
            assert found.looked_to is not None
            # Those of the page, and as many entries of the index to find its end.
            assert read <= 2 * _LOOKED, each


@pytest.mark.usefixtures("looks_at_little")
async def test_a_common_word_is_found_without_looking_far(still_gate: Gateway) -> None:
    key = await still_gate.member()
    [made] = await make(still_gate, key, "a lion")
    await execute(still_gate, _PAST)
    await execute(still_gate, "ANALYZE generations")
    own = await still_gate.generation(UUID(made))
    wanted = searches.Wanted(team_id=own.team_id, member_id=own.member_id, patterns=("film",))
    async with still_gate.rt.db.begin() as tx:
        before = await tx.scalar(_READ) or 0
        found = await searches.list_wanted(tx, wanted, after=None, limit=20)
        assert len(found.generations) == 20
        # Entries of the index to find where the look would end, and no generations beside those.
        assert (await tx.scalar(_READ) or 0) - before <= _LOOKED + 100


async def test_favorites_far_in_the_past_are_read_alone(still_gate: Gateway) -> None:
    key = await still_gate.member()
    [made] = await make(still_gate, key, "a lion")
    await execute(still_gate, _PAST)
    await execute(
        still_gate,
        "INSERT INTO favorites SELECT member_id, id, created_at FROM generations"
        " ORDER BY created_at LIMIT 3",
    )
    await execute(still_gate, "ANALYZE")
    own = await still_gate.generation(UUID(made))
    async with still_gate.rt.db.begin() as tx:
        before = await tx.scalar(_READ) or 0
        found = await searches.list_wanted(
            tx, searches.Wanted(team_id=own.team_id, member_id=None, favorites_of=own.member_id),
            after=None, limit=20,
        )  # fmt: skip
        assert (await tx.scalar(_READ) or 0) - before <= 20
    assert len(found.generations) == 3
    listed = await pages(still_gate, key, favorite=True, limit=1)
    assert flat(listed) == [str(each.id) for each in found.generations]
