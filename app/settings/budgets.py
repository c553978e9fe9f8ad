"""The settings of budgets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode


class Budgets(BaseModel):
    """Budgets"""

    notice_percents: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100)], ...], NoDecode
    ] = Field(
        (50, 80, 90, 100),
        description="Percents of a credit limit, comma-separated: when so much of it is used, its "
        "member and the team's administrators are told, once in each period. `none`: never.",
    )  # fmt: skip

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
