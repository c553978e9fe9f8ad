"""What is hidden in a log line, what is left of it, and what a terminal gets to see."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from app.redaction import Redactor, printable
from app.secrets import make_key
from app.telemetry import logger
from tests.harness.gateway import Gateway
from tests.http.logs import logging_to

KEY = make_key().secret
UPSTREAM = "canary-upstream-key-0001"
REDACT = Redactor((UPSTREAM, "simulator", "reelgate", "[hidden]"))

RIGHT = {
    f"sent {KEY}.": "sent [hidden].",
    f"?cursor=x_{KEY}&a=1": "?cursor=x_[hidden]&a=1",
    f"called with '{UPSTREAM}'": "called with '[hidden]'",
    "?X-Amz-Signature=a1%2F&X-Amz-Date=1&x-id=GetObject>":
        "?X-Amz-Signature=[hidden]&X-Amz-Date=[hidden]&x-id=GetObject>",
    "to=%3FX-Amz-Signature%3Dabc%26x-id%3D1": "to=%3FX-Amz-Signature%3D[hidden]%26x-id%3D1",
    "https://a/b?X-Goog-Signature=abc": "https://a/b?X-Goog-Signature=[hidden]",
    "(/media/1?expires=17&sig=a-b_c)": "(/media/1?expires=17&sig=[hidden])",
    "/events?token=a.b.c and on": "/events?token=[hidden] and on",
    "postgresql://ada:p@ss:w@host/name": "postgresql://[hidden]@host/name",
    "host=h user=ada password=geheim dbname=d": "host=h user=ada password=[hidden] dbname=d",
    "Authorization: Bearer abc": "Authorization: Bearer [hidden]",
    "{'authorization': 'Basic YWRh', 'x': 1}": "{'authorization': 'Basic [hidden]', 'x': 1}",
    "(b'API-KEY: x1y2z3a4b5', b'x')": "(b'API-KEY: [hidden]', b'x')",
    "api_key=Qk3TzUaW!": "api_key=[hidden]!",
    "refused: Bearer eyJhbGciOiJub25l.e30.": "refused: Bearer [hidden]",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "[hidden]",
}  # fmt: skip


@pytest.mark.parametrize(("said", "written"), RIGHT.items(), ids=range(len(RIGHT)))
def test_a_secret_goes_and_the_words_around_it_stay(said: str, written: str) -> None:
    assert REDACT.clean(said) == written
    assert REDACT.clean(written) == written, "what is hidden is not hidden again"


@pytest.mark.parametrize(
    "said",
    [
        "Send your key as `API-KEY: <key>` or `Authorization: Bearer <key>`.",
        "The API-KEY header is missing. API-KEY: required, API_KEY=unauthorized",
        "simulator_in_place_of_upstream: the built-in simulator of reelgate",
        "WWW-Authenticate: Bearer; a bearer authentication-scheme, Bearer authentication.",
        "key_prefix rg_U4gJuwk_ of http://127.0.0.1:8080/docs",
        "set ONEMIN_API_KEY, REELGATE_SIGNING_SECRET and REELGATE_CORS_ORIGINS",
        "[hidden]",
        "https://api.1min.ai:443/api/features@latest ada@studio.example",
        "?design=1&tokens=2",
    ],
)
def test_our_own_words_are_not_eaten(said: str) -> None:
    assert REDACT.clean(said) == said


@pytest.mark.parametrize(
    "piece",
    ["://", "a:", "X-Amz-", "x-amz-a", "?sig=%2", "API-KEY=", "rg_", "Bearer a-", "Authorization: ",
     "password=", "%3Ftoken%3D"],
)  # fmt: skip
def test_a_long_line_holds_nobody_up(piece: str) -> None:
    """Every log line is looked through, by the thread that answers everybody."""
    began = time.process_time()
    REDACT.clean("://" + piece * (100_000 // len(piece)))
    assert time.process_time() - began < 1


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError(KEY)


def test_any_value_can_be_written() -> None:
    endless: list[Any] = []
    endless.append(endless)
    found = REDACT.clean({"one": Unreadable(), ("a", KEY): 1, "endless": endless, 7: KEY})
    assert found["one"] == "(Unreadable, unreadable: RuntimeError)"
    assert found["('a', '[hidden]')"] == 1
    assert found["7"] == "[hidden]"


ODD = {
    "\x1b[2J\x1b[31mred": "\\x1b[2J\\x1b[31mred",
    "one\n2026-01-01 [info] two": "one\\n2026-01-01 [info] two",
    "a\rb\tc\x00\x07\x7f\x9b": "a\\rb\\tc\\x00\\x07\\x7f\\x9b",
    "invoice\u202efdp.exe\u2066": "invoice\\u202efdp.exe\\u2066",
    "line\u2028break \ud800": "line\\u2028break \\ud800",
    "视频 café 🎬": "视频 café 🎬",
}


@pytest.mark.parametrize(("said", "written"), ODD.items(), ids=range(len(ODD)))
def test_what_a_terminal_obeys_is_escaped(said: str, written: str) -> None:
    assert printable(said) == written


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_readable_logs_obey_nobody(capsys: pytest.CaptureFixture[str], said: str) -> None:
    with logging_to(capsys, json=False) as log:
        logger("app.test").info(said, value=said, deep={said: [said]})
        logging.getLogger(f"library.{said}").warning("heard %s", said)
        written = log.text()
    assert all(line.isprintable() for line in written.split("\n"))
    assert len(written.splitlines()) == 2


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_a_message_in_a_traceback_is_no_line_of_the_log(
    capsys: pytest.CaptureFixture[str], said: str
) -> None:
    with logging_to(capsys, json=False) as log:
        try:
            raise ValueError(said)
        except ValueError as error:
            logger("app.test").error("broke", exc_info=error)
            logging.getLogger("library").exception("broke")
        written = log.text()
    assert all(line.isprintable() for line in written.split("\n"))
    lines = [line for line in written.splitlines() if line[:1] != " "]
    assert len(lines) == 2
    assert all("broke" in line for line in lines)
    assert written.count("    ValueError: ") == 2


async def test_a_path_is_logged_in_bounds_and_as_it_can_be_read(
    still_gate: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to(capsys, json=False) as log:
        await still_gate.http.get(f"/a%1B%5B2J%0Aevent/{KEY}/{'x' * 5_000}")
        (written,) = log.text().splitlines()
    assert written.isprintable()
    assert "/a\\x1b[2J\\nevent/[hidden]/x" in written
    assert len(written) < 1_000
