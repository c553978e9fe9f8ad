"""What sending webhooks needs, in an API process or a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.webhooks import Payload
from app.fetch import GuardedFetcher
from app.generations.durations import Durations
from app.secrets import LinkSigner, WebhookSecrets


def _none(_body: Mapping[str, Any], **_: Any) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Format:
    """How receivers of one API are told: `render` makes the body of a payload, and `headers` those
    that they look for beside Standard Webhooks', from the body, the `document` that it is sent as,
    the `timestamp` in Unix seconds, and the `secrets`, newest first."""

    render: Callable[[Payload], dict[str, Any]]
    headers: Callable[..., dict[str, str]] = _none


#: By name.
PayloadFormats = Mapping[str, Format]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`client` connects to addresses that callers gave, and refuses those that are not public."""

    client: GuardedFetcher
    secrets: WebhookSecrets
    signer: LinkSigner
    formats: PayloadFormats
    durations: Durations
