"""What an SDK says of its tries."""

from __future__ import annotations

import time

import pytest
from starlette.requests import Request

from app.http.sdk_retries import read_seconds, sdk_attempt


def _request(**headers: str) -> Request:
    raw = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    scope = {"type": "http", "headers": raw, "reelgate.started": time.perf_counter() - 3}
    return Request(scope)


def test_a_try_is_counted_with_the_time_it_waited() -> None:
    attempt = sdk_attempt(_request(x_stainless_retry_count="2", x_stainless_read_timeout="60"))
    assert attempt is not None
    assert attempt.count == 2
    assert 3 <= time.perf_counter() - attempt.arrived_at < 60
    assert attempt.window_seconds == 180


@pytest.mark.parametrize("count", ["", "x", "-1", "1.5", "10000", "²"])
def test_what_is_no_count_is_no_try(count: str) -> None:
    assert sdk_attempt(_request(x_stainless_retry_count=count.encode().decode("latin-1"))) is None
    assert sdk_attempt(_request()) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 600), ({"x_stainless_read_timeout": "60"}, 60), ({"x_stainless_timeout": "2.5"}, 2.5),
     ({"x_stainless_read_timeout": "None"}, 600), ({"x_stainless_read_timeout": "999999"}, 3600)],
)  # fmt: skip
def test_how_long_it_waits_is_bounded(headers: dict[str, str], seconds: float) -> None:
    assert read_seconds(_request(**headers)) == seconds
