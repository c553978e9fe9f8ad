from __future__ import annotations

from uuid import UUID

import pytest

from app.simulator.render_time import JITTER, render_seconds
from tests.harness.specs import luma

CLIP = luma(prompt="p", model="ray-v3", duration="5s")


def seconds(model: str, duration: str, resolution: str | None) -> float:
    spec = luma(prompt="p", model=model, duration=duration, resolution=resolution)
    return render_seconds(spec, UUID(int=5003))


def test_the_sample_takes_about_seven_minutes() -> None:
    times = [render_seconds(CLIP, UUID(int=number)) for number in range(0, 20_000, 7)]
    assert min(times) == pytest.approx(420 * (1 - JITTER), rel=0.01)
    assert max(times) == pytest.approx(420 * (1 + JITTER), rel=0.01)


def test_the_same_uuid_always_takes_the_same_time() -> None:
    assert render_seconds(CLIP, UUID(int=9)) == render_seconds(CLIP, UUID(int=9))


def test_larger_and_better_videos_take_longer() -> None:
    five, ten = "5s", "10s"
    plain = seconds("ray-v3", five, "720p")
    assert seconds("ray-v2-flash", five, None) < plain / 2
    assert seconds("ray-v3-reasoning", five, None) > plain
    assert seconds("ray-v3", ten, None) > plain
    assert seconds("ray-v3", five, "1080p") > plain
