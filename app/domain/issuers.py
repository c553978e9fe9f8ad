"""OpenID Connect: issuers, what they claim of a person, and what that makes of the person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.caller import Role

#: Of a name that a member is made with. The rest of the limit is for what tells namesakes apart.
_NAME_CHARACTERS = 80
#: The claims that name a person where the configured one does not (OpenID Connect Core, 5.1).
_NAMES = ("preferred_username", "name", "email")
#: Directories have members of thousands of groups; more than that is no list of groups.
MAX_GROUPS = 10_000


class Refusal(StrEnum):
    """Why somebody who came back from an issuer is not signed in."""

    #: The answer belongs to no sign-in that this browser began, or to one that is too old.
    OTHER_BROWSER = "other_browser"
    #: The answer was used before.
    USED = "used"
    #: The issuer says that it did not sign the person in.
    DECLINED = "declined"
    #: The issuer cannot be reached, or is too slow.
    ISSUER_AWAY = "issuer_away"
    #: The issuer's answer is not what OpenID Connect says, or not for this gateway.
    ISSUER_ANSWER = "issuer_answer"
    #: The person did not sign in afresh, which was asked for.
    NOT_AFRESH = "not_afresh"
    #: Too many attempts failed.
    TOO_MANY = "too_many"
    #: The member or its team is suspended.
    SUSPENDED = "suspended"
    #: The member has ended.
    ENDED = "ended"
    #: The settings lead to a team that there is not, or that has ended.
    NO_TEAM = "no_team"
    #: An operator has to accept the person first.
    WAITING = "waiting"
    #: An operator did not accept the person.
    NOT_ACCEPTED = "not_accepted"


class SignInRefused(Exception):
    """`check` names what was wrong, for the log. It is never a value that came from outside."""

    def __init__(self, refusal: Refusal, check: str) -> None:
        self.refusal = refusal
        self.check = check
        super().__init__(check)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """Who is in `group` is in `team`, with this role."""

    group: str
    team: str
    role: Role = Role.MEMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """`id` is ours, in addresses and in the audit log; `issuer` is its own, as tokens carry it.
    Without a `client_secret` the gateway is a public client. Whoever is in no group of `rules`
    becomes a member of `default_team`; if that is None, an operator decides."""

    id: str
    issuer: str
    name: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    rules: tuple[GroupRule, ...] = ()
    default_team: str | None = None
    #: Origins of the issuer that may be private addresses, and plain HTTP.
    internal_origins: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return f"oidc:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom an issuer has signed in. (`issuer`, `subject`) is who it is; the rest may
    change, and others may have the same."""

    issuer: str
    subject: str
    name: str
    email: str | None = None
    email_verified: bool | None = None
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    team: str
    role: Role


def assign(rules: Iterable[GroupRule], groups: Iterable[str]) -> Assignment | None:
    """The team of the first rule whose group the person is in, with the highest role that the rules
    give it there. None if there is no such rule."""
    found = set(groups)
    matching = [rule for rule in rules if rule.group in found]
    if not matching:
        return None
    team = matching[0].team
    leads = any(rule.role is Role.ADMIN for rule in matching if rule.team == team)
    return Assignment(team=team, role=Role.ADMIN if leads else Role.MEMBER)


def person_of(issuer: Issuer, claims: Mapping[str, Any]) -> Person:
    """From the claims of a token that was verified. Raises `SignInRefused` if its list of groups is
    left out because it is too long: without it nobody knows which role went away."""
    subject, email = claims["sub"], claims.get("email")
    verified = claims.get("email_verified")
    named = isinstance(email, str) and 3 <= len(email) <= 320 and email.isprintable()
    return Person(
        issuer=issuer.issuer,
        subject=subject,
        name=_name(issuer.name_claim, claims),
        email=email if named else None,
        email_verified=verified if isinstance(verified, bool) else None,
        groups=_groups(issuer, claims) if issuer.rules else frozenset(),
    )


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim with this name, or the one that its dots lead to: `realm_access.roles`. None if
    there is none."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def _groups(issuer: Issuer, claims: Mapping[str, Any]) -> frozenset[str]:
    """A list of names, one name, or an object whose fields are the names, as some issuers have
    it."""
    found = claim_at(claims, issuer.groups_claim)
    if found is None:
        # Distributed claims (OpenID Connect Core, 5.6.2): Entra sends these to members of more than
        # 200 groups.
        elsewhere = claims.get("_claim_names")
        if isinstance(elsewhere, Mapping) and issuer.groups_claim.split(".")[0] in elsewhere:
            raise SignInRefused(Refusal.ISSUER_ANSWER, "groups are left out of the token")
        return frozenset()
    if isinstance(found, str):
        return frozenset({found})
    if not isinstance(found, list | Mapping):
        raise SignInRefused(Refusal.ISSUER_ANSWER, "the groups claim is no list")
    if len(found) > MAX_GROUPS:
        raise SignInRefused(Refusal.ISSUER_ANSWER, "the groups claim is too long")
    return frozenset(name for name in found if isinstance(name, str))


def _name(claim: str, claims: Mapping[str, Any]) -> str:
    """A name that a member may have, whatever is claimed."""
    for found in (claim_at(claims, claim), *(claims.get(each) for each in _NAMES), claims["sub"]):
        if isinstance(found, str):
            shown = "".join(c if c.isprintable() else " " for c in found[: 4 * _NAME_CHARACTERS])
            name = " ".join(shown.split())[:_NAME_CHARACTERS].strip()
            if name:
                return name
    return "nameless"
