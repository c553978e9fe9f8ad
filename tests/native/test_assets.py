"""`POST /api/assets`, as 1min.ai documents it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.domain.inputs import parse_input_id
from tests.harness.gateway import UPSTREAM_KEY, Gateway, gateway
from tests.harness.pictures import picture


async def post(gate: Gateway, key: str, files: Any) -> Any:
    return await gate.http.post("/api/assets", headers={"API-KEY": key}, files=files)


async def test_the_answer_is_the_documented_one_with_our_ids(still_gate: Gateway) -> None:
    key, content = await still_gate.member(), picture("JPEG")
    answer = await post(still_gate, key, {"asset": ("lion.jpg", content, "image/jpeg")})
    assert answer.status_code == 200, answer.text
    asset, file = answer.json()["asset"], answer.json()["fileContent"]
    assert asset["key"] == file["path"] == f"images/{file['uuid']}.jpg"
    assert (asset["fieldname"], asset["originalname"]) == ("asset", "lion.jpg")
    assert (asset["mimetype"], asset["size"]) == ("image/jpeg", len(content))
    assert asset["acl"] == "private"
    me = (await still_gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
    assert asset["metadata"]["user-id"] == me["member_id"]
    assert str(parse_input_id(asset["key"])) == file["uuid"]
    # Nothing of it went upstream, and the answer has nothing of the account there.
    assert (await still_gate.simulator.summary())["submissions"] == []
    assert UPSTREAM_KEY not in answer.text
    served = await still_gate.http.get(
        asset["location"].partition("://")[2].partition("/")[1]
        + asset["location"].partition("://")[2].partition("/")[2],
        headers={"API-KEY": key},
    )
    assert served.content == content


async def test_errors_are_the_upstreams(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, worker=False, max_input_bytes=4096) as gate:
        key = await gate.member()
        for files, status, code in (
            ({"asset": ("x.png", b"no image", "image/png")}, 400, "REQUEST_BODY_VALIDATION_FAILED"),
            ({"file": ("x.png", picture(), "image/png")}, 400, "REQUEST_BODY_VALIDATION_FAILED"),
            ({"asset": ("x.png", picture() + bytes(9000), "image/png")}, 413, "PAYLOAD_TOO_LARGE"),
        ):
            answer = await post(gate, key, files)
            assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.text
            assert answer.json()["billed"] is False
        answer = await gate.http.post("/api/assets", headers={"API-KEY": key}, json={})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "MISSING_REQUIRED_FIELDS")
        answer = await post(gate, "rg_unknown", {"asset": picture()})
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "UNAUTHORIZED")
