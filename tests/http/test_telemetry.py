"""No secret reaches a log, whatever carries it there."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.redaction import Redactor
from app.secrets import make_key
from app.telemetry import logger
from tests.http.logs import logging_to

UPSTREAM = "canary-upstream-key-0001"
SIGNING = "canary-signing-secret-canary"
DATABASE = "postgresql://reelgate:canary-password@db.internal:5432/reelgate"
KNOWN = (UPSTREAM, SIGNING, DATABASE, "short")
KEY = make_key().secret
PRESIGNED = (
    "https://s3.us-east-1.amazonaws.com/asset.1min.ai/videos/a.mp4"
    "?X-Amz-Credential=canary-credential&X-Amz-Signature=canary-signature&x-id=GetObject"
)
LINK = "http://gateway/media/1?expires=1772971200&sig=canary-link-signature"
SAYINGS = {
    "upstream key": f"calling with {UPSTREAM}.",
    "signing secret": SIGNING,
    "database": f"cannot connect to {DATABASE}",
    "another database": "postgres://someone:canary-else@host/name",
    "our own key": f"caller sent {KEY} twice: {KEY}",
    "bearer": "Authorization: Bearer canary-bearer-token",
    "presigned": f"GET {PRESIGNED} 403",
    "our link": f"<{LINK}>",
}


def is_clean(text: str) -> bool:
    return "canary" not in text and KEY not in text


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
def test_a_secret_is_hidden_wherever_it_stands_in_an_event(saying: str) -> None:
    redact = Redactor(KNOWN)

    @dataclass
    class Thing:
        inside: str

    shapes: list[Any] = [
        saying,
        [saying],
        (1, {"deep": [saying]}),
        {"deep": {"deeper": saying}},
        {saying: 1},
        {saying},
        saying.encode(),
        ValueError(saying),
        Thing(saying),
    ]
    for shape in shapes:
        event = redact.clean({"event": "said", "value": shape})
        written = json.dumps(event, default=repr)
        assert is_clean(written), shape
        assert "[hidden]" in written


def test_what_is_no_secret_is_left_as_it_is() -> None:
    event = {
        "event": "a short rg_ word", "status": 200, "ms": 1.5, "ok": True, "none": None,
        "path": "/media/1", "where": "https://host/path?x-id=GetObject", "list": [1, "two"],
    }  # fmt: skip
    assert Redactor(KNOWN).clean(event) == event
    assert Redactor(()).clean(event) == event


def test_a_url_object_is_hidden_too() -> None:
    event = Redactor(KNOWN).clean({"event": "sent", "url": httpx.URL(PRESIGNED)})
    assert is_clean(json.dumps(event, default=repr))


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_is_redacted_in_either_format(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    with logging_to(capsys, json=as_json, secrets=KNOWN) as log:
        try:
            secret_in_a_local = SAYINGS["presigned"]
            try:
                raise ConnectionError(SAYINGS["database"])
            except ConnectionError as error:
                raise RuntimeError(secret_in_a_local) from error
        except RuntimeError as error:
            logger("app.test").error("broke", exc_info=error, note=SAYINGS["bearer"])
            logging.getLogger("library").exception("broke with %s", SAYINGS["upstream key"])
        written = log.text()
    assert is_clean(written)
    assert written.count("RuntimeError") >= 2
    assert written.count("ConnectionError") >= 2
    assert "[hidden]" in written


async def test_the_http_client_logs_no_presigned_link_at_any_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(403))
    for level in ("DEBUG", "INFO"):
        with logging_to(capsys, level=level, secrets=KNOWN) as log:
            async with httpx.AsyncClient(transport=transport) as http:
                await http.get(PRESIGNED, headers={"API-KEY": UPSTREAM})
            logging.getLogger("httpx").warning("sent %s", httpx.URL(PRESIGNED))
            lines = log.lines()
        assert [line["logger"] for line in lines] == ["httpx"]
        assert is_clean(json.dumps(lines))


def test_events_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(capsys, level="WARNING") as log:
        logger("app.test").info("quiet")
        logger("app.test").warning("loud", figure=3)
        [line] = log.lines()
    assert (line["event"], line["figure"], line["level"]) == ("loud", 3, "warning")
    assert line["timestamp"].endswith("Z")
