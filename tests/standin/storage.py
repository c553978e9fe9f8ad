"""The bucket: presigned links of seven days, and downloads with ranges."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from tests.standin.answers import Answer, Headers
from tests.standin.requests import Request

BUCKET = "/asset.1min.ai/"
EXPIRES_SECONDS = 604_800
SECRET = b"standin bucket"
#: Stands in every link, and so may stand nowhere else.
CREDENTIAL = "AKIACANARYCANARY"
_SERVER: Headers = ((b"Server", b"AmazonS3"), (b"x-amz-request-id", b"6T4C6V2H8M0QJ3ZD"))


def sign(origin: str, path: str, at: datetime) -> str:
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        "X-Amz-Credential": f"{CREDENTIAL}/{at:%Y%m%d}/us-east-1/s3/aws4_request",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(EXPIRES_SECONDS),
        "X-Amz-Signature": _signature(path, stamp),
        "X-Amz-SignedHeaders": "host",
        "x-amz-checksum-mode": "ENABLED",
        "x-id": "GetObject",
    }
    return f"{origin}{BUCKET}{path}?{urlencode(query)}"


def _signature(path: str, stamp: str) -> str:
    return hmac.new(SECRET, f"{path} {stamp}".encode(), hashlib.sha256).hexdigest()


def refusal(request: Request) -> Answer | None:
    """What is wrong with the link of a download, or None."""
    query, path = request.query, request.path.removeprefix(BUCKET)
    stamp = query.get("X-Amz-Date", "")
    signed = hmac.compare_digest(query.get("X-Amz-Signature", ""), _signature(path, stamp))
    if not signed or request.method != "GET":
        return xml_error(403, "SignatureDoesNotMatch")
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.now(UTC) > at + timedelta(seconds=EXPIRES_SECONDS):
        return xml_error(403, "AccessDenied")
    return None


def xml_error(status: int, code: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    headers = ((b"Content-Type", b"application/xml"), *_SERVER)
    return Answer(status=status, body=text.encode(), headers=headers)


def send(film: bytes, request: Request) -> Answer:
    """The film, or the one range of it that is asked for."""
    etag = b'"%s"' % hashlib.md5(film).hexdigest().encode()
    headers: Headers = (
        (b"Content-Type", b"video/mp4"), (b"Accept-Ranges", b"bytes"), (b"ETag", etag), *_SERVER
    )  # fmt: skip
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.header("range") or "")
    if found is None or not any(found.groups()):
        return Answer(status=200, body=film, headers=headers)
    first, last = found.groups()
    begin = int(first) if first else max(0, len(film) - int(last))
    end = min(len(film) - 1, int(last)) if first and last else len(film) - 1
    if begin > end:
        return xml_error(416, "InvalidRange").with_headers(
            (b"Content-Range", b"bytes */%d" % len(film))
        )
    span = (b"Content-Range", b"bytes %d-%d/%d" % (begin, end, len(film)))
    return Answer(status=206, body=film[begin : end + 1], headers=(*headers, span))
