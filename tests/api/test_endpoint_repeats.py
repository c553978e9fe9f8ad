"""Creating a webhook endpoint once, however often the request is sent."""

from __future__ import annotations

from tests.harness.gateway import Gateway

PATH = "/api/v1/webhooks/endpoints"
BODY = {"url": "https://example.com/hook"}


async def test_a_repetition_gets_the_same_endpoint_and_secret(still_gate: Gateway) -> None:
    key = await still_gate.member("ada")
    headers = {"API-KEY": key, "Idempotency-Key": "once"}
    first = await still_gate.http.post(PATH, json=BODY, headers=headers)
    again = await still_gate.http.post(PATH, json=BODY, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    listed = await still_gate.http.get(PATH, headers={"API-KEY": key})
    assert [each["id"] for each in listed.json()["data"]] == [first.json()["id"]]
    other = await still_gate.http.post(
        PATH, json={"url": "https://example.com/other"}, headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_key_is_its_members_own(still_gate: Gateway) -> None:
    made = []
    for name in ("ada", "bob"):
        headers = {"API-KEY": await still_gate.member(name), "Idempotency-Key": "once"}
        answer = await still_gate.http.post(PATH, json=BODY, headers=headers)
        made.append(answer.json()["id"])
    assert len(set(made)) == 2
