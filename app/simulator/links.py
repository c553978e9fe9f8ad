"""Signed links like those of S3, served by the simulator, which checks their signature."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.responses import Response

from app.simulator.config import CREDENTIAL

BUCKET = "asset.1min.ai"
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Signer:
    secret: bytes

    def sign(self, key: str, *, now: float, seconds: int) -> str:
        """The path and query of a link to this storage key."""
        moment = datetime.fromtimestamp(now, UTC)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
            "X-Amz-Credential": f"{CREDENTIAL}/{moment:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": moment.strftime(STAMP),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            "x-amz-checksum-mode": "ENABLED",
            "x-id": "GetObject",
        }
        query["X-Amz-Signature"] = self._signature(key, query)
        return f"/{BUCKET}/{quote(key)}?{urlencode(sorted(query.items()))}"

    def refuse(self, key: str, query: Mapping[str, str], *, now: float) -> Response | None:
        """The 403 for an invalid or expired link, or None for a valid one."""
        given = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
        signature = query.get("X-Amz-Signature")
        if signature is None:
            return denied("AccessDenied", "Access Denied")
        if not hmac.compare_digest(signature.encode(), self._signature(key, given).encode()):
            return denied("SignatureDoesNotMatch", "The signature does not match the request")
        signed = datetime.strptime(given["X-Amz-Date"], STAMP).replace(tzinfo=UTC)
        if now >= signed.timestamp() + int(given["X-Amz-Expires"]):
            return denied("AccessDenied", "Request has expired")
        return None

    def _signature(self, key: str, query: Mapping[str, str]) -> str:
        signed = f"{BUCKET}/{key}\n{urlencode(sorted(query.items()))}"
        return hmac.new(self.secret, signed.encode(), hashlib.sha256).hexdigest()


def denied(code: str, message: str) -> Response:
    return xml_error(403, code, message)


def no_such_key() -> Response:
    return xml_error(404, "NoSuchKey", "The specified key does not exist.")


def xml_error(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Response(body, status, media_type="application/xml")
