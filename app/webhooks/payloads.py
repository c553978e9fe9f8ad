"""Webhook payload formats: the gateway's own, and those of the dialects.

Workers know no dialect; this module gives them the formats.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from app.api.webhook_payload import render_payload
from app.dialects.luma import wire as luma
from app.dialects.openai import webhook_wire as openai
from app.dialects.openrouter import wire as openrouter
from app.domain.webhooks import Payload
from app.webhooks.sender import Format, PayloadFormats


def _openai(payload: Payload) -> dict[str, Any]:
    generation = payload.generation
    return openai.render_event(
        payload.message_id, payload.event, payload.happened_at,
        None if generation is None else generation.id,
        content=None if payload.content is None else render_payload(payload)["data"],
    )  # fmt: skip


def _luma(payload: Payload) -> dict[str, Any]:
    assert payload.generation is not None
    return luma.render_callback(payload.generation, payload.links, payload.images)


def _openrouter(payload: Payload) -> dict[str, Any]:
    assert payload.generation is not None
    return openrouter.render_event(
        payload.generation, payload.happened_at, payload.links, cost=None
    )  # fmt: skip


#: By format name. The format of a callback is that of its dialect.
PAYLOAD_FORMATS: PayloadFormats = MappingProxyType(
    {
        "reelgate": Format(render_payload),
        "openai": Format(_openai),
        "luma": Format(_luma),
        "openrouter": Format(_openrouter, openrouter.event_headers),
    }
)
