"""What it takes to send webhooks, wherever that is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.webhooks import Telling
from app.fetch import GuardedFetcher
from app.generations.durations import Durations
from app.secrets import LinkSigner, WebhookSecrets

#: The payload of a delivery in each format, by the format's name.
Payloads = Mapping[str, Callable[[Telling], dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`client` reaches the addresses that callers named, and refuses those that are not public."""

    client: GuardedFetcher
    secrets: WebhookSecrets
    signer: LinkSigner
    payloads: Payloads
    durations: Durations
