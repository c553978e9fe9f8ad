"""The end of a model is announced in every API, in the lists of models, and as a metric."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.harness.gateway import Gateway, gateway

ENDS = """
[[model]]
id = "ray-v2"
retires_on = 2027-01-31
as_of = 2026-11-01
"""
WAVE = "a wave"
CREATES = {
    "/api/features": {
        "type": "TEXT_TO_VIDEO", "model": "luma", "async": True,
        "promptObject": {"prompt": WAVE, "modelName": "ray-v2", "duration": "5s"},
    },
    "/api/v1/generations": {
        "feature": "TEXT_TO_VIDEO", "model": "ray-v2", "prompt": WAVE, "duration": "5s",
    },
    "/v1/videos": {"model": "ray-v2", "prompt": WAVE},
    "/dream-machine/v1/generations": {"model": "ray-2", "prompt": WAVE},
    "/luma/v1/generations": {"model": "ray-2", "prompt": WAVE, "type": "video"},
    "/openrouter/api/v1/videos": {"model": "luma/ray-v2", "prompt": WAVE},
}  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    file = tmp_path / "models.toml"
    file.write_text(ENDS)
    return file


async def test_every_api_announces_the_end_of_a_model(
    database_url: str, tmp_path: Path, models: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, catalog_file=models) as gate:
        headers = {"API-KEY": await gate.member()}
        for path, body in CREATES.items():
            made = await gate.http.post(path, json=body, headers=headers)
            assert made.is_success, (path, made.text)
            assert made.headers["Deprecation"] == "@1793491200", path
            assert made.headers["Sunset"] == "Sun, 31 Jan 2027 00:00:00 GMT", path
        await _lists(gate, headers)
        found = gate.rt.metrics.registry.get_sample_value(
            "reelgate_model_retires_timestamp_seconds", {"model": "ray-v2"}
        )
        assert found == datetime(2027, 1, 31, tzinfo=UTC).timestamp()


async def _lists(gate: Gateway, headers: dict[str, str]) -> None:
    for path, name in (
        ("/api/v1/models", "ray-v2"), ("/v1/models", "ray-v2"), ("/v1/models", "ray-2"),
        ("/openrouter/api/v1/videos/models", "luma/ray-v2"),
        ("/openrouter/api/v1/videos/models", "ray-2"),
    ):  # fmt: skip
        listed = (await gate.http.get(path, headers=headers)).json()["data"]
        entries = {each["id"]: each for each in listed}
        assert entries[name]["retires_on"] == "2027-01-31", path
        other = entries.get("ray-v3") or entries["luma/ray-v3"]
        assert other.get("retires_on") is None
    one = (await gate.http.get("/v1/models/ray-2", headers=headers)).json()
    assert one["retires_on"] == "2027-01-31"
