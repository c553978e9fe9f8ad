"""The whole catalogue, for operators: also what is not offered, and why."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from app.api.documents import Document
from app.api.models import ModelDocument, model_documents
from app.domain.catalog.models import Model
from app.domain.catalog.rules import Flagged
from app.domain.catalog.spec import Facts
from app.http.access import Operating, ReadLimited, Rt

router = APIRouter(prefix="/admin/models", tags=["admin"])


class UnpricedDocument(Document):
    """Options of a model that have no price; as in a price, null is what is left out."""

    duration: str | None
    resolution: str | None


class ManagedModelDocument(ModelDocument):
    """A model, as an entry of the catalogue."""

    enabled: bool = Field(description="Whether requests may have it.")
    reason: str | None = Field(description="Why it is not enabled.")
    title: str = Field(description="Of the provider's page in 1min.ai's documents.")
    doubt: str | None = Field(description="What is not known of that page.")
    fixed: dict[str, Any] = Field(description="Options that naming the model has chosen.")
    text_model: str | None = Field(
        description="The model that makes the same from text alone, of one that begins with an "
        "image."
    )
    unpriced: list[UnpricedDocument] = Field(
        description="What is refused with `price_unknown`, since it has no price."
    )


class ManagedModelList(Document):
    object: Literal["list"]
    data: list[ManagedModelDocument]
    flagged_rules: Flagged = Field(
        description="`REELGATE_FLAGGED_RULES`: what becomes of a request that breaks a flagged "
        "rule. With `pass`, these are not listed."
    )


@router.get("", name="list_managed_models")
async def list_managed_models(
    rt: Rt, _operator: Operating, _caller: ReadLimited
) -> ManagedModelList:
    """Lists every model of the catalogue with its options, rules and prices, also those that are
    not offered, in the catalogue's order. Operators only."""
    models = rt.catalog.models.values()
    # Also for whoever has just set one: the list of this process may be older by moments.
    documents = await model_documents(rt, models, await rt.prices.read())
    return ManagedModelList(
        object="list",
        data=[_managed(*both) for both in zip(models, documents, strict=True)],
        flagged_rules=rt.settings.flagged_rules,
    )


def _managed(model: Model, document: ModelDocument) -> ManagedModelDocument:
    priced = {(each.duration, each.resolution) for each in document.prices}
    return ManagedModelDocument(
        **dict(document),
        enabled=model.enabled,
        reason=model.reason,
        title=model.page.title,
        doubt=model.page.doubt,
        fixed=dict(model.fixed),
        text_model=model.text_model,
        unpriced=[
            UnpricedDocument(duration=duration, resolution=resolution)
            for duration, resolution in _options(model)
            if (duration, resolution) not in priced
        ],
    )


def _options(model: Model) -> list[tuple[str | None, str | None]]:
    """Those whose prices are listed where there are some."""
    offered = model.offered
    return [
        (None if seconds is None else f"{seconds}s", None if lines is None else f"{lines}p")
        for seconds in offered.seconds or (None,)
        for lines in (None, *offered.lines)
        if not model.broken_rules(
            model.spec_of(Facts(prompt="", seconds=seconds, lines=lines)).values
        )
    ]
