"""Webhook payload formats: the gateway's own, and those of the dialects.

Workers know no dialect; this module gives them the formats.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from app.api.webhook_payload import render_payload
from app.dialects.luma import wire as luma
from app.dialects.openai import webhook_wire as openai
from app.domain.webhooks import Payload
from app.webhooks.sender import PayloadFormats


def _openai(payload: Payload) -> dict[str, Any]:
    generation = payload.generation
    return openai.render_event(
        payload.message_id, payload.event, payload.happened_at,
        None if generation is None else generation.id,
        content=None if payload.content is None else render_payload(payload)["data"],
    )  # fmt: skip


def _luma(payload: Payload) -> dict[str, Any]:
    assert payload.generation is not None
    return luma.render_callback(payload.generation, payload.links)


#: By format name. The format of a callback is that of its dialect.
PAYLOAD_FORMATS: PayloadFormats = MappingProxyType(
    {"reelgate": render_payload, "openai": _openai, "luma": _luma}
)
