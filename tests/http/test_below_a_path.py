"""A proxy may serve the gateway below a path of its own: `REELGATE_PUBLIC_URL` names it."""

from __future__ import annotations

from pathlib import Path

from tests.harness.gateway import gateway

PUBLIC = "https://video.example.com/gateway"


async def test_what_the_gateway_names_lies_below_the_path(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, public_url=PUBLIC) as gate:
        key = await gate.member()
        body = {"feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a wave", "duration": "5s"}
        made = await gate.http.post(
            "/api/v1/generations", json=body, headers={"API-KEY": key, "Prefer": "respond-async"}
        )
        assert made.headers["Location"] == f"/gateway/api/v1/generations/{made.json()['id']}"
        document = (await gate.http.get("/api/v1/openapi.json")).json()
        (server,) = document["servers"]
        assert server["url"] == "https://video.example.com/gateway"
