"""Notices: an account has reached so many percent of its limit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.accounts import Account, account_from, instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey(Named):
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`account` and the names are as they were then. `member` is None for a team's account, `key`
    for a team's or a member's. The hundredth percent is also reached when the limit has refused a
    request, however little is used."""

    id: UUID
    percent: int
    account: Account
    team: Named
    member: Named | None
    key: NamedKey | None
    created_at: datetime


def notice_from(data: Mapping[str, Any]) -> Notice:
    """From the JSON that `reelgate_notice` makes."""
    member, key = data["member"], data["key"]
    return Notice(
        id=UUID(data["id"]),
        percent=data["percent"],
        account=account_from(data["account"]),
        team=named_from(data["team"]),
        member=member and named_from(member),
        key=key and NamedKey(id=UUID(key["id"]), name=key["name"], prefix=key["prefix"]),
        created_at=instant(data["created_at"]),
    )


def named_from(data: Mapping[str, Any]) -> Named:
    return Named(id=UUID(data["id"]), name=data["name"])
