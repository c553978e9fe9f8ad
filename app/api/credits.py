"""What is left of the credits of a caller: in its key's account, its own and its team's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from app.api.documents import Document
from app.api.money import IN_MONEY, MoneyDocument, money_of
from app.domain.accounts import Account, AccountKind, Period, binding
from app.domain.limits import LimitStatus
from app.runtime import Runtime

GRANTED = "Added to the limit, until the grants of these credits end."


class AccountDocument(Document):
    """An account in its present period. A generation counts in the period in which it was created,
    whenever it ends."""

    account: AccountKind = Field(
        description="`key`: that of this request. `member`: its owner. `team`: the owner's team."
    )
    credit_limit: int | None = Field(description="Null: this account has no limit of its own.")
    granted_credits: int = Field(description=GRANTED)
    used_credits: int = Field(description="Settled and held ones.")
    settled_credits: int = Field(description="Spent.")
    held_credits: int = Field(description="Reserved for generations that have not ended.")
    remaining_credits: int | None = Field(description="Null where there is no limit.")
    period: Period = Field(description="How often it begins anew.")
    time_zone: str = Field(description="In which its periods begin, at midnight.")
    resets_at: datetime | None = Field(description="When it begins anew. Null: never.")


class MyAccountDocument(AccountDocument):
    """An account of the caller, also in money, at what credits cost now."""

    used_money: MoneyDocument | None = Field(description=IN_MONEY)
    remaining_money: MoneyDocument | None = Field(description="Null also where there is no limit.")


class CreditsDocument(Document):
    """The credits of a caller. What can be spent is the least of what its accounts have left."""

    remaining_credits: int = Field(description="What `binding` has left.")
    binding: MyAccountDocument = Field(description="The account with the least left.")
    accounts: list[MyAccountDocument]


def credits_document(status: LimitStatus, rt: Runtime) -> CreditsDocument:
    now = rt.clock.now()
    bound = _document(binding(status.accounts), rt, now)
    return CreditsDocument(
        remaining_credits=bound.remaining_credits or 0,
        binding=bound,
        accounts=[_document(account, rt, now) for account in status.accounts],
    )


def account_fields(account: Account) -> dict[str, Any]:
    return {
        "account": account.kind,
        "credit_limit": account.credit_limit,
        "granted_credits": account.granted,
        "used_credits": account.used,
        "settled_credits": account.settled,
        "held_credits": account.held,
        "remaining_credits": account.remaining,
        "period": account.period,
        "time_zone": account.time_zone,
        "resets_at": account.resets_at,
    }


def _document(account: Account, rt: Runtime, now: datetime) -> MyAccountDocument:
    left = account.remaining
    return MyAccountDocument(
        **account_fields(account),
        used_money=money_of(rt, account.used, now),
        remaining_money=None if left is None else money_of(rt, left, now),
    )
