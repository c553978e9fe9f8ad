"""Checks the addresses of webhooks and callbacks when callers give them.

What shows in the address itself is refused at once, naming its field. What its host name resolves
to is checked at each delivery, because DNS can change after a check.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, NoReturn
from urllib.parse import urlsplit

from app.domain.text import shown
from app.errors import InvalidRequest, Issue
from app.fetch import Refused, is_public
from app.runtime import ApiRuntime, Runtime

_LONGEST_URL = 2_048
_INTERNAL = (
    "receivers in the gateway's own network are called where the operator names their origins in "
    "REELGATE_WEBHOOK_INTERNAL_ORIGINS"
)
#: A host whose last label is a number is an IPv4 address in some spelling (WHATWG URL, 3.5).
_NUMERIC = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$", re.IGNORECASE)


def check_callback_url(rt: ApiRuntime, value: Any, field: str) -> str:
    """The address unchanged. Raises `InvalidRequest` naming `field` if nothing may be sent there:
    it must be https and public, unless the operator allows internal addresses."""
    if not isinstance(value, str):
        _refuse(field, "type", "must be a string with an https URL", value)
    if not value or len(value) > _LONGEST_URL:
        _refuse(field, "value", f"must have 1 to {_LONGEST_URL} characters", value)
    try:
        rt.sender.client.permit(value)
    except Refused as refused:
        if urlsplit(value).scheme == "http":
            _refuse(field, "value", f"must be https; {_INTERNAL}", value)
        why = str(refused).removesuffix(".")
        _refuse(field, "value", f"is not an allowed address: {why}", value)
    if not _is_internal(rt, value) and _is_private_literal(value):
        _refuse(field, "value", f"must have a public address; {_INTERNAL}", value)
    return value


def check_optional_callback_url(rt: ApiRuntime, value: Any) -> str | None:
    """Like `check_callback_url`, for a `callback_url` that may be omitted."""
    return None if value is None else check_callback_url(rt, value, "callback_url")


def _is_internal(rt: Runtime, url: str) -> bool:
    parts = urlsplit(url)
    given = (parts.scheme, parts.hostname, parts.port or _port(parts.scheme))
    for origin in rt.settings.webhook_internal_origins:
        known = urlsplit(origin)
        if given == (known.scheme, known.hostname, known.port or _port(known.scheme)):
            return True
    return False


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _is_private_literal(url: str) -> bool:
    """Whether the host is an IP address, in any notation, that is not public."""
    host = urlsplit(url).hostname or ""
    try:
        return not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        return host == "localhost" or _NUMERIC.search(host) is not None


def _refuse(field: str, code: str, message: str, value: Any) -> NoReturn:
    raise InvalidRequest(f"{field} {message}.", issues=[Issue(field, code, message, shown(value))])
