"""Sending again what was told, or should have been."""

from __future__ import annotations

from pathlib import Path

from app.worker.deliveries import deliver
from tests.webhooks.receiving import call, endpoint, receiving, webhook_gateway
from tests.webhooks.test_delivery import canceled, deliveries


async def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        receiving() as receiver,
        webhook_gateway(database_url, tmp_path, receiver, worker=False) as still,
    ):
        key = await still.member()
        hook = await endpoint(still, key, receiver.url)
        await canceled(still, key)
        (delivery,) = await deliveries(still)
        await deliver(still.worker, delivery)
        await call(still, key, "PATCH", f"/endpoints/{hook['id']}", json={"enabled": False})
        again = f"/api/v1/webhooks/deliveries/{delivery}/resend"
        refused = await still.http.post(again, headers={"API-KEY": key})
        assert refused.status_code == 422
        assert "is disabled" in refused.json()["detail"]
        assert (await call(still, key, "GET", f"/deliveries/{delivery}"))["state"] == "delivered"
        # A test shows whether it works again, so it may go.
        test = await call(still, key, "POST", f"/endpoints/{hook['id']}/test")
        await call(still, key, "POST", f"/deliveries/{test['id']}/resend")
        await call(still, key, "PATCH", f"/endpoints/{hook['id']}", json={"enabled": True})
        await call(still, key, "POST", f"/deliveries/{delivery}/resend")
        await deliver(still.worker, delivery)
        assert [sent.headers["webhook-id"] for sent in receiver.requests].count(
            receiver.requests[0].headers["webhook-id"]
        ) == 2
