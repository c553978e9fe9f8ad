"""Credits in money, as documents show them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from app.api.documents import Document
from app.billing import money
from app.domain.money import Money
from app.runtime import Runtime

IN_MONEY = "The same in money. Null: the gateway's operator has not set what credits cost."


class MoneyDocument(Document):
    """What credits cost in money. Each figure is rounded by itself to the currency's smallest unit,
    halves up: add up credits, not these."""

    amount: str = Field(description="A decimal number.", examples=["52.50"])
    currency: str = Field(description="Its ISO 4217 code.", examples=["EUR"])


def money_of(rt: Runtime, credits_: int, at: datetime) -> MoneyDocument | None:
    return money_document(money.money(rt, credits_, at))


def money_document(found: Money | None) -> MoneyDocument | None:
    if found is None:
        return None
    return MoneyDocument(amount=f"{found.amount:f}", currency=found.currency)
