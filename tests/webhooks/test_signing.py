"""Secrets of webhooks: of one endpoint, of our own making, and in no log."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from app.domain.webhooks import MOST_ATTEMPTS, message_id_of, wait_after
from app.redaction import Redactor
from app.secrets import StreamTokens, WebhookSecrets, make_seed

ONE, OTHER = WebhookSecrets(b"a" * 32), WebhookSecrets(b"b" * 32)
MEMBER = UUID("8b8cbb4c-6a7c-4d4c-9d26-0a4e7e2f6a11")


def test_a_secret_is_24_bytes_in_the_form_of_the_standard() -> None:
    for secret in (ONE.of_endpoint(make_seed()), ONE.of_member(MEMBER)):
        assert secret.startswith("whsec_")
        assert "=" not in secret, "padding is read differently by receivers' libraries"
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 24
        Webhook(secret).sign("msg_1", datetime.now(UTC), "{}")


def test_secrets_are_told_apart() -> None:
    seed = make_seed()
    found = {
        ONE.of_endpoint(seed), ONE.of_endpoint(make_seed()), OTHER.of_endpoint(seed),
        ONE.of_member(MEMBER), OTHER.of_member(MEMBER), ONE.of_endpoint(str(MEMBER)),
    }  # fmt: skip
    assert len(found) == 6
    assert ONE.of_endpoint(seed) == ONE.of_endpoint(seed)


def test_no_secret_and_no_token_reaches_a_log() -> None:
    secret = ONE.of_endpoint(make_seed())
    token = StreamTokens(b"c" * 32).make(MEMBER, expires_at=datetime(2030, 1, 1, tzinfo=UTC))
    cleaned = Redactor([]).clean(f"with {secret} and ?token={token}&x=1")
    assert cleaned == "with [hidden] and ?token=[hidden]&x=1"


def test_a_message_id_has_no_dot() -> None:
    assert message_id_of(MEMBER) == f"msg_{MEMBER.hex}"


@pytest.mark.parametrize("attempts", range(1, MOST_ATTEMPTS))
def test_jitter_only_lengthens_a_wait(attempts: int) -> None:
    least = wait_after(attempts, retry_after_seconds=None, jitter=0)
    most = wait_after(attempts, retry_after_seconds=None, jitter=1)
    assert least is not None
    assert most == pytest.approx(least * 1.1)
    assert wait_after(attempts, retry_after_seconds=10**9, jitter=0) == max(least, 3_600)


def test_the_last_try_is_the_last() -> None:
    assert wait_after(MOST_ATTEMPTS, retry_after_seconds=5, jitter=0) is None
