"""Videos of several images: a first and a last frame, frames to lead through, images to be like.
The models are off as they are shipped; an operator has turned them on here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.generation import State
from tests.harness.gateway import Gateway, gateway
from tests.harness.pictures import picture
from tests.inputs.calling import call, uploaded
from tests.inputs.test_uploads import archive

MODELS = """
[[model]]
id = "pika-2.2-frames"
enabled = true

[[model]]
id = "veo-3.1"
enabled = true

[[model]]
id = "veo-3.1-image"
enabled = true
"""
CREDITS = 70_000
PRICES = "\n".join(
    f"""
    [[price]]
    feature = "{feature}"
    provider = "{provider}"
    credits = {CREDITS}
    as_of = 2026-11-01
    source = "test"
    """
    for feature in ("TEXT_TO_VIDEO", "IMAGE_TO_VIDEO")
    for provider in ("pika", "veo3-video", "luma")
)
RED, BLUE, GREEN = (220, 20, 20), (20, 20, 220), (20, 200, 20)


@pytest.fixture
async def several(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    models, prices = tmp_path / "models.toml", tmp_path / "prices.toml"
    models.write_text(MODELS)
    prices.write_text(PRICES)
    async with gateway(database_url, tmp_path, catalog_file=models, prices_file=prices) as gate:
        yield gate


async def ask(gate: Gateway, key: str, path: str, **asked: Any) -> httpx.Response:
    return await gate.http.post(path, json=asked, headers={"Authorization": f"Bearer {key}"})


async def images(gate: Gateway, key: str, *colours: tuple[int, int, int]) -> list[str]:
    made = [await uploaded(gate, key, picture(colour=each)) for each in colours]
    return [str(each["id"]) for each in made]


async def native(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    asked = {"task_type": "pika-v2.2-pikaframes", "imageUrls": [first, last], "prompt": "it moves",
             "duration": 5, "resolution": "720p"}  # fmt: skip
    return await ask(gate, key, "/api/features", type="IMAGE_TO_VIDEO", model="pika",
                     promptObject=asked, **{"async": True})  # fmt: skip


async def rest(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    return await ask(gate, key, "/api/v1/generations", feature="IMAGE_TO_VIDEO",
                     model="pika-2.2-frames", prompt="it moves", frames=[first, last],
                     duration="5s", resolution="720p")  # fmt: skip


async def openai(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    return await ask(gate, key, "/v1/videos", model="pika-2.2", prompt="it moves", seconds=5,
                     resolution="720p", input_reference={"image_url": first},
                     last_frame={"image_url": last})  # fmt: skip


async def luma(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    frames = {"frame1": {"type": "image", "url": last}, "frame0": {"type": "image", "url": first}}
    return await ask(gate, key, "/dream-machine/v1/generations", model="pika-2.2",
                     prompt="it moves", resolution="720p", keyframes=frames)  # fmt: skip


async def agents(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    video = {"start_frame": {"url": first}, "end_frame": {"url": last}, "resolution": "720p"}
    return await ask(gate, key, "/luma/v1/generations", type="video", model="pika-2.2",
                     prompt="it moves", video=video)  # fmt: skip


async def openrouter(gate: Gateway, key: str, first: str, last: str) -> httpx.Response:
    frames = [
        {"type": "image_url", "frame_type": kind, "image_url": {"url": url}}
        for kind, url in (("last_frame", last), ("first_frame", first))
    ]
    return await ask(gate, key, "/openrouter/api/v1/videos", model="pika/pika-2.2",
                     prompt="it moves", duration=5, resolution="720p",
                     frame_images=frames)  # fmt: skip


EVERY = [native, rest, openai, luma, agents, openrouter]


def id_of(answer: httpx.Response) -> str:
    assert answer.status_code in (200, 201, 202), answer.text
    document = answer.json()
    return str(document.get("id") or document["aiRecord"]["uuid"]).removeprefix("video_")


async def test_a_first_and_a_last_frame_in_every_api(several: Gateway) -> None:
    key = await several.member(max_open=20)
    first, last = await images(several, key, RED, BLUE)
    answers = [await create(several, key, first, last) for create in EVERY]
    made = await asyncio.gather(*(several.archived(id_of(answer)) for answer in answers))
    for generation in made:
        assert (generation.state, generation.settled) == (State.SUCCEEDED, CREDITS)
        assert generation.spec.model == "pika-2.2-frames"
        assert generation.spec.values["frames"] == [first, last]
        assert [(use.field, str(use.input_id)) for use in generation.inputs] == [
            ("frames", first), ("frames", last),
        ]  # fmt: skip
    summary = await several.simulator.summary()
    assert len(summary["submissions"]) == len(EVERY)
    assert summary["outcomes"]["assets"] == {"stored": 2 * len(EVERY)}
    echoed = answers[3].json()["request"]["keyframes"]
    assert [urlpath(echoed[name]["url"]) for name in ("frame0", "frame1")] == [first, last]
    video = answers[4].json()["video"]
    assert [urlpath(video[name]["url"]) for name in ("start_frame", "end_frame")] == [first, last]
    shown = await several.http.get(f"/api/v1/generations/{made[0].id}", headers={"API-KEY": key})
    assert [each["input_id"] for each in shown.json()["inputs"]] == [first, last]
    # They go with the last of their generations.
    for generation in made:
        await several.http.delete(f"/api/v1/generations/{generation.id}", headers={"API-KEY": key})
    assert archive(several) == []
    assert (await call(several, key, "GET", f"/{last}")).status_code == 404


def urlpath(url: str) -> str:
    return url.rpartition("/media/")[2].partition(".image?")[0]


async def test_images_to_be_like(several: Gateway) -> None:
    key = await several.member(max_open=20)
    like = await images(several, key, GREEN, BLUE)
    references = [{"type": "image_url", "image_url": {"url": each}} for each in like]
    router = {"model": "veo3-video/veo-3.1", "prompt": "it moves", "duration": 8,
              "aspect_ratio": "16:9", "resolution": "720p"}  # fmt: skip
    plain = await ask(several, key, "/openrouter/api/v1/videos", **router,
                      input_references=references)  # fmt: skip
    framed = await ask(
        several, key, "/v1/videos", model="veo-3.1", prompt="it moves", seconds=8, size="1280x720",
        image=like[0], last_frame=like[1], reference_images=[{"image_url": each} for each in like],
    )  # fmt: skip
    first, second = await asyncio.gather(*(several.archived(id_of(a)) for a in (plain, framed)))
    assert first.spec.model == "veo-3.1"
    assert first.spec.values["reference_images"] == like
    assert second.spec.model == "veo-3.1-image"
    assert {use.field for use in second.inputs} == {"image", "tail_image", "reference_images"}
    assert (first.settled, second.settled) == (CREDITS, CREDITS)
    # An image that is named twice is uploaded once.
    assert (await several.simulator.summary())["outcomes"]["assets"] == {"stored": 4}
    tall = await ask(several, key, "/openrouter/api/v1/videos",
                     **{**router, "aspect_ratio": "9:16"}, input_references=references)  # fmt: skip
    assert tall.status_code == 400
    [issue] = tall.json()["error"]["metadata"]["errors"]
    assert issue["field"] == "input_references.0.image_url.url"
    assert issue["message"] == "is only made with the aspect_ratio 16:9"


async def test_an_estimate_and_the_list_of_models(several: Gateway) -> None:
    key = await several.member()
    first, last = await images(several, key, RED, BLUE)
    asked = {"feature": "IMAGE_TO_VIDEO", "model": "pika-2.2-frames", "frames": [first, last]}
    answer = await ask(several, key, "/api/v1/generations/estimate", **asked)
    assert answer.json()["quote_credits"] == CREDITS
    headers = {"API-KEY": key}
    models = (await several.http.get("/api/v1/models", headers=headers)).json()["data"]
    options = {
        each["id"]: {
            option["name"]: option["required"] for option in each["options"]
            if option["kind"].startswith("asset")
        }
        for each in models
    }  # fmt: skip
    assert options["pika-2.2-frames"] == {"frames": True}
    assert options["pika-2.2-image"] == {"image": True}
    listed = (await several.http.get("/openrouter/api/v1/videos/models", headers=headers)).json()
    frames = {each["id"]: each["supported_frame_images"] for each in listed["data"]}
    assert frames["pika/pika-2.2"] == ["first_frame", "last_frame"]
    assert frames["pika/pika-2.1"] == ["first_frame"]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"imageUrls": ["a"]}, "imageUrls", "must be a list of inputs, from 2 to 5"),
        ({"imageUrls": ["a"] * 6}, "imageUrls", "must be a list of inputs, from 2 to 5"),
        ({"imageUrls": "a"}, "imageUrls", "must be a list of inputs, from 2 to 5"),
        ({"imageUrls": None}, "imageUrls", "this field is required for pika-v2.2-pikaframes"),
        ({"imageUrl": "a"}, "imageUrl", "is not for pika-v2.2-pikaframes; leave it out"),
        ({"task_type": "pika-v2.2"}, "imageUrls", "is not for pika-v2.2; leave it out"),
        ({"imageUrls": ["00000000-0000-4000-8000-000000000000", "b"]}, "imageUrls.0", "no such"),
    ],
)  # fmt: skip
async def test_what_a_kind_does_not_take_is_refused(
    several: Gateway, changes: dict[str, Any], field: str, message: str
) -> None:
    key = await several.member()
    asked = {"task_type": "pika-v2.2-pikaframes", "imageUrls": ["a", "b"], **changes}
    asked = {name: value for name, value in asked.items() if value is not None}
    answer = await ask(several, key, "/api/features", type="IMAGE_TO_VIDEO", model="pika",
                       promptObject=asked)  # fmt: skip
    assert answer.status_code in (400, 422), answer.text
    said = {each["field"]: each["message"] for each in answer.json()["details"]}
    assert message in said[f"promptObject.{field}"]


async def test_a_model_that_takes_no_last_image_says_so(several: Gateway) -> None:
    key = await several.member()
    first, last = await images(several, key, RED, BLUE)
    answer = await ask(several, key, "/v1/videos", model="pika-2.1", prompt="it moves",
                       image=first, last_frame=last)  # fmt: skip
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "not_offered"
    assert answer.json()["error"]["param"] == "last_frame"


async def test_the_kinds_of_several_images_are_off_as_shipped(still_gate: Gateway) -> None:
    """How many they take, and what they cost, is not documented."""
    key = await still_gate.member()
    answer = await rest(still_gate, key, "a", "b")
    assert answer.status_code == 422
    answer = await native(still_gate, key, "a", "b")
    said = {each["field"] for each in answer.json()["details"]}
    assert said == {"promptObject.task_type", "promptObject.imageUrls", "promptObject.imageUrl"}
    document = (await still_gate.http.get("/openapi.json")).text
    assert "imageUrls" not in document
