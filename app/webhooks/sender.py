"""What sending webhooks needs, in an API process or a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.webhooks import Payload
from app.fetch import GuardedFetcher
from app.generations.durations import Durations
from app.secrets import LinkSigner, WebhookSecrets

#: Renders a payload, by the name of its format.
PayloadFormats = Mapping[str, Callable[[Payload], dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`client` connects to addresses that callers gave, and refuses those that are not public."""

    client: GuardedFetcher
    secrets: WebhookSecrets
    signer: LinkSigner
    formats: PayloadFormats
    durations: Durations
