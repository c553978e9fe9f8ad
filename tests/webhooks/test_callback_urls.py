"""Addresses that callers name are looked at when they are given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.errors import InvalidRequest
from app.fetch import GuardedFetcher
from app.http_client import HttpClient
from app.runtime import ApiRuntime, receiver_policy
from app.webhooks.urls import check_callback_url
from tests.harness.gateway import settings_for

REFUSED: list[Any] = [
    None, 7, True, ["https://hooks.example"], {}, "", "hooks.example/x", "//hooks.example/x",
    "http://hooks.example/x", "ftp://hooks.example/x", "file:///etc/passwd", "javascript:alert(1)",
    "https://hooks.example:22/", "https://hooks.example:80/", "https://user:pa55@hooks.example/",
    "https://127.0.0.1/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00::1]/", "https://0.0.0.0/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/",
    "https://0177.0.0.1/", "https://localhost/", "https://hooks.example./",
    "https://hooks.example\\@127.0.0.1/", "https://hooks.example/\n", "https://hooks.example/é",
    "https:///x", "https://", "https://hooks.example/" + "x" * 2_048,
]  # fmt: skip
TAKEN = [
    "https://hooks.example/reelgate?token=abc", "https://hooks.example:8443/x",
    "https://HOOKS.example/", "https://8.8.8.8/x", "https://xn--bcher-kva.example/",
]  # fmt: skip


def looking(folder: Path, *internal: str) -> ApiRuntime:
    """What is looked at: the settings, and the rules of the client that would call."""
    settings = settings_for("postgresql://nobody/asks", folder, webhook_internal_origins=internal)
    client = GuardedFetcher(HttpClient(max_connections=1), receiver_policy(settings))
    sender = SimpleNamespace(client=client)
    return cast(ApiRuntime, SimpleNamespace(settings=settings, sender=sender))


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_what_may_not_be_called_is_refused_by_its_field(tmp_path: Path, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_callback_url(looking(tmp_path), value, "callback_url")
    (issue,) = refused.value.issues
    assert issue.field == "callback_url"
    assert refused.value.message.startswith("callback_url ")
    assert not refused.value.message.endswith("..")


@pytest.mark.parametrize("value", TAKEN)
def test_public_https_is_taken_as_it_came(tmp_path: Path, value: str) -> None:
    assert check_callback_url(looking(tmp_path), value, "callback_url") == value


def test_an_internal_receiver_is_taken_where_the_operator_named_it(tmp_path: Path) -> None:
    rt = looking(tmp_path, "http://127.0.0.1:9000", "https://queue.internal:9443")
    for taken in ("http://127.0.0.1:9000/x", "https://queue.internal:9443/"):
        assert check_callback_url(rt, taken, "url") == taken
    for refused in ("http://127.0.0.1:9001/x", "http://queue.internal:9443/",
                    "https://127.0.0.1/x", "http://127.0.0.1:9000@10.0.0.1/"):  # fmt: skip
        with pytest.raises(InvalidRequest):
            check_callback_url(rt, refused, "url")
