from __future__ import annotations

from uuid import UUID

import pytest

from app.domain.generation import Duration, Resolution, Spec, VideoModel
from app.simulator.render_time import JITTER, render_seconds

CLIP = Spec(prompt="p", model=VideoModel.RAY_V3, duration=Duration.FIVE_SECONDS)


def seconds(model: VideoModel, duration: Duration, resolution: Resolution | None) -> float:
    spec = Spec(prompt="p", model=model, duration=duration, resolution=resolution)
    return render_seconds(spec, UUID(int=5003))


def test_the_sample_takes_about_seven_minutes() -> None:
    times = [render_seconds(CLIP, UUID(int=number)) for number in range(0, 20_000, 7)]
    assert min(times) == pytest.approx(420 * (1 - JITTER), rel=0.01)
    assert max(times) == pytest.approx(420 * (1 + JITTER), rel=0.01)


def test_the_same_uuid_always_takes_the_same_time() -> None:
    assert render_seconds(CLIP, UUID(int=9)) == render_seconds(CLIP, UUID(int=9))


def test_larger_and_better_videos_take_longer() -> None:
    five, ten = Duration.FIVE_SECONDS, Duration.TEN_SECONDS
    plain = seconds(VideoModel.RAY_V3, five, Resolution.P720)
    assert seconds(VideoModel.RAY_V2_FLASH, five, None) < plain / 2
    assert seconds(VideoModel.RAY_V3_REASONING, five, None) > plain
    assert seconds(VideoModel.RAY_V3, ten, None) > plain
    assert seconds(VideoModel.RAY_V3, five, Resolution.P1080) > plain
