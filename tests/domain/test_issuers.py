"""What claims make of a person: team, role, name."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.caller import Role
from app.domain.issuers import (
    MAX_GROUPS,
    GroupRule,
    Issuer,
    SignInRefused,
    assign,
    claim_at,
    person_of,
)
from app.errors import InvalidRequest
from app.members.names import check_name

LEADS = GroupRule(group="leads", team="studio", role=Role.ADMIN)
ISSUER = Issuer(
    id="id", issuer="https://id.example.com", name="Id", client_id="x",
    rules=(LEADS, GroupRule(group="artists", team="studio"), GroupRule(group="x", team="other")),
)  # fmt: skip

names = st.text(alphabet="abc", min_size=1, max_size=2)
rules = st.lists(
    st.builds(
        GroupRule, group=names, team=st.sampled_from(["one", "two"]), role=st.sampled_from(Role)
    ),
    max_size=8,
)
groups = st.sets(names)
#: What JSON can hold.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(rules, groups)
def test_nobody_gets_what_no_rule_gives(rules: list[GroupRule], groups: set[str]) -> None:
    given_ = assign(rules, groups)
    matching = [rule for rule in rules if rule.group in groups]
    assert (given_ is None) is (matching == [])
    if given_ is not None:
        assert given_.team == matching[0].team
        assert (given_.role is Role.ADMIN) is any(
            rule.role is Role.ADMIN and rule.team == given_.team for rule in matching
        )


@given(rules, groups, groups)
def test_groups_without_a_rule_change_nothing(
    rules: list[GroupRule], groups: set[str], others: set[str]
) -> None:
    ruled = {rule.group for rule in rules}
    assert assign(rules, groups | (others - ruled)) == assign(rules, groups & ruled)
    assert assign(rules, sorted(groups)) == assign(rules, sorted(groups, reverse=True))


@given(rules, groups)
def test_a_group_less_never_raises_a_role_in_the_same_team(
    rules: list[GroupRule], groups: set[str]
) -> None:
    before = assign(rules, groups)
    for group in groups:
        after = assign(rules, groups - {group})
        if before and after and after.team == before.team and before.role is Role.MEMBER:
            assert after.role is Role.MEMBER


@given(st.dictionaries(st.sampled_from(["groups", "name", "email", "realm_access", "upn", "a.b",
                                        "email_verified", "_claim_names"]), anything))  # fmt: skip
def test_whatever_is_claimed_makes_a_person_or_is_refused(claims: dict[str, Any]) -> None:
    claims["sub"] = "1"
    for claim in ("groups", "realm_access.roles", "a.b"):
        try:
            person = person_of(replace(ISSUER, groups_claim=claim, name_claim="upn"), claims)
        except SignInRefused:
            continue
        check_name("name", person.name)
        assert all(isinstance(group, str) for group in person.groups)
        assert person.email is None or person.email.isprintable()
        assert (person.issuer, person.subject) == (ISSUER.issuer, "1")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["leads", "artists"], {"leads", "artists"}),
        ("leads", {"leads"}),
        ("leads,artists", {"leads,artists"}),
        ({"leads": {"org": "1"}}, {"leads"}),
        (["leads", 7, None, ["artists"]], {"leads"}),
        ([], set()),
        (None, set()),
    ],
)
def test_groups_in_every_form(found: Any, expected: set[str]) -> None:
    assert person_of(ISSUER, {"sub": "1", "groups": found}).groups == expected
    assert person_of(ISSUER, {"sub": "1"}).groups == set()


@pytest.mark.parametrize(
    "claims",
    [{"groups": 7}, {"groups": True}, {"groups": ["a"] * (MAX_GROUPS + 1)},
     {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}],
)  # fmt: skip
def test_groups_that_cannot_be_known_are_no_groups_that_went_away(claims: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused):
        person_of(ISSUER, {"sub": "1", **claims})
    # Nobody asks for groups that mean nothing.
    assert person_of(replace(ISSUER, rules=()), {"sub": "1", **claims}).groups == set()


def test_claims_below_others() -> None:
    claims = {"a": {"b": ["x"]}, "a.c": 1, "https://id.example.com/groups": ["y"]}
    assert claim_at(claims, "a.b") == ["x"]
    assert claim_at(claims, "a.c") == 1
    assert claim_at(claims, "https://id.example.com/groups") == ["y"]
    assert claim_at(claims, "a.b.c") is claim_at(claims, "b") is claim_at(claims, "") is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "ada", "name": "Ada L"}, "ada"),
        ({"preferred_username": "  ", "name": " Ada\n\tL "}, "Ada L"),
        ({"preferred_username": 7, "email": "a@example.com"}, "a@example.com"),
        ({"preferred_username": "\x1b[31m\u202eada"}, "[31m ada"),
        ({"preferred_username": "a" * 1_000}, "a" * 80),
        ({}, "248"),
    ],
)
def test_names(claims: dict[str, Any], name: str) -> None:
    assert person_of(ISSUER, {"sub": "248", **claims}).name == name


@given(st.text(), st.text(alphabet=string.printable))
def test_every_name_is_one_that_a_member_may_have(first: str, subject: str) -> None:
    person = person_of(ISSUER, {"sub": subject, "preferred_username": first})
    try:
        check_name("name", person.name)
    except InvalidRequest as error:
        raise AssertionError(person.name) from error
