"""An excuse has to be one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.chaos.answers import Answer, judged
from tests.chaos.outages import Outages, Window

OUTAGES = Outages(
    {
        "postgres": [Window(100, 110)],
        "archive": [Window(200, 210)],
        "admission": [Window(300, 310)],
        "simulate-0": [Window(500, 510)],
        "serve-0": [Window(400, 410)],
        "serve-1": [Window(400, 410, orderly=True)],
    }
)
AWAY = {"retry-after": "2"}


TAKEN = "only the answer to this request failed"


def answer(kind: str, begin: float, end: float | None = None, **changes: Any) -> Answer:
    body = json.dumps(changes.pop("body", {})).encode()
    headers = httpx.Headers(changes.pop("headers", {}))
    fields: dict[str, Any] = {"number": 1, "seat": "serve-0", "body": body, "headers": headers}
    return Answer(kind=kind, begin=begin, end=end or begin + 0.1, **{**fields, **changes})


RIGHT = [
    answer("create", 10, status=202),
    answer("reuse", 10, status=422),
    answer("create", 10, error="hung up"),
    answer("create", 105, status=503, headers=AWAY),
    answer("create", 95, 101, status=503, headers=AWAY),
    answer("create", 105, status=503, body={"message": f"The video was accepted; {TAKEN}."}),
    answer("content", 205, status=503, headers=AWAY),
    answer("upload", 10, status=201),
    answer("upload", 205, status=503, headers=AWAY, stores=True),
    answer("create", 205, status=503, headers=AWAY, stores=True),
    answer("content", 10, status=503, headers=AWAY, body={"detail": "from the upstream right now"}),
    answer("create", 305, status=503, headers=AWAY, body={"errorCode": "PAUSED"}),
    answer("get", 390, 400.5, error="ReadError"),
    answer("get", 402, error="ConnectError", seat="serve-1"),
    answer("get", 402, 404, error="RemoteProtocolError", seat="serve-1", sending_seconds=1.2),
    answer("content", 10, error="RemoteProtocolError", breaks_off=True),
    answer("content", 490, 501, error="RemoteProtocolError"),
    answer("content", 395, 406.5, error="ReadError", seat="serve-1"),
]
WRONG = [
    answer("create", 10, status=500),
    answer("create", 10, status=422),
    answer("reuse", 10, status=202),
    answer("get", 10, status=404),
    answer("get", 10, status=401),
    answer("create", 10, status=503, headers=AWAY),
    answer("create", 105, status=503),
    answer("create", 10, status=503, body={"message": f"The video was accepted; {TAKEN}."}),
    answer("create", 105, status=500, headers=AWAY),
    answer("create", 112, status=503, headers=AWAY),
    answer("create", 205, status=503, headers=AWAY),
    answer("upload", 10, status=503, headers=AWAY, stores=True),
    answer("upload", 10, status=422, stores=True),
    answer("create", 10, status=503, headers=AWAY, body={"errorCode": "PAUSED"}),
    answer("get", 10, error="ReadError"),
    answer("get", 402, error="ReadError", seat="serve-2"),
    answer("content", 10, error="RemoteProtocolError"),
    answer("get", 501, error="RemoteProtocolError", breaks_off=True),
    # Its process was told to stop: what is in flight, or connects, has to be answered or refused.
    answer("get", 402, error="RemoteProtocolError", seat="serve-1"),
    answer("get", 402, 404, error="RemoteProtocolError", seat="serve-1", sending_seconds=0.9),
    answer("get", 10, 12, error="RemoteProtocolError", seat="serve-1", sending_seconds=1.2),
    answer("get", 399.9, 400.1, error="ReadError", seat="serve-1"),
    answer("get", 395, 402, error="ReadError", seat="serve-1"),
]


@pytest.mark.parametrize("right", RIGHT, ids=Answer.told)
def test_what_has_an_excuse(right: Answer) -> None:
    assert judged([right], OUTAGES)[1] == []


@pytest.mark.parametrize("wrong", WRONG, ids=Answer.told)
def test_what_has_none(wrong: Answer) -> None:
    assert judged([wrong], OUTAGES) == ({}, [wrong.told()])
