"""The settings of budgets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

from app.domain.money import parse_rates


class Budgets(BaseModel):
    """Budgets"""

    notice_percents: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100)], ...], NoDecode
    ] = Field(
        (50, 80, 90, 100),
        description="Percents of a credit limit, comma-separated: when so much of it is used, its "
        "member and the team's administrators are told, once in each period. `none`: never.",
    )  # fmt: skip

    money_per_1000_credits: str | None = Field(
        None,
        max_length=1000,
        description="Price of 1,000 credits in money, shown beside credits, such as `0.35 EUR`; "
        "with a later price, `0.35 EUR, 0.40 EUR from 2026-07-01T00:00:00Z`. Unset: only credits.",
    )

    @field_validator("money_per_1000_credits")
    @classmethod
    def _check_money(cls, value: str | None) -> str | None:
        if value is not None:
            parse_rates(value)
        return value

    @field_validator("notice_percents", mode="before")
    @classmethod
    def _split_percents(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return () if value.strip() == "none" else tuple(value.split(","))

    @field_validator("notice_percents")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))
