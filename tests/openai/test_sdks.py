"""The official SDKs, oldest and newest, against real processes: what their users see, and what the
upstream was asked for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.dialects.openai.webhook_wire import render_event
from app.domain.ids import parse_generation_id
from app.domain.limits import Limits
from app.domain.webhooks import WebhookEvent
from tests.harness.pictures import picture
from tests.harness.processes import Api, environment
from tests.harness.toolchains import node_with, python_with
from tests.openai.swallowing import swallowing
from tests.promises.site import Caller, Site

HERE = Path(__file__).parent
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
EVENT_VIDEO = UUID("00000000-0000-4000-8000-0000000000ff")
#: SDK → the version it must be.
SDKS = {"python-2": "2.2.0", "python-3": "3.", "node-6": "6.2.0", "node-7": "7."}


class Journey:
    """What one SDK saw, and the member it travelled as."""

    def __init__(self, sdk: str, caller: Caller, seen: dict[str, Any]) -> None:
        self.sdk = sdk
        self.caller = caller
        self.seen = seen


@pytest.fixture(scope="module", params=SDKS)
def journey(
    request: pytest.FixtureRequest,
    place: Site,
    api: Api,
    tmp_path_factory: pytest.TempPathFactory,
) -> Journey:
    sdk: str = request.param
    folder = tmp_path_factory.mktemp(sdk)
    limits = Limits(rate_burst=100, max_open=100)
    caller = place.caller(api, sdk, limits=limits)
    poor = place.caller(api, f"{sdk}-poor", limits=Limits(credit_limit=1))
    # First, because it may take minutes to install, and what is signed is good for five.
    kind, _, version = sdk.partition("-")
    if kind == "python":
        command = [str(python_with(f"openai-{version}")), str(HERE / "journey.py")]
        modules = {}
    else:
        command = ["node", str(HERE / "journey.js")]
        modules = {"NODE_PATH": str(node_with(f"openai-{version}") / "node_modules")}
    with swallowing(api.address) as network:
        given = json.dumps(
            {
                "name": sdk, "poor_key": poor.key, "swallowing": f"{network}/v1",
                "event": signed_event(),
                "picture": base64.b64encode(picture("PNG", (640, 360))).decode(),
            }
        )  # fmt: skip
        settings = {"OPENAI_BASE_URL": f"{api.address}/v1", "OPENAI_API_KEY": caller.key, **modules}
        done = subprocess.run(
            [*command, given], cwd=folder, env=environment(folder, settings), capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Journey(sdk, caller, json.loads(done.stdout))


def signed_event() -> dict[str, Any]:
    """A delivery as Standard Webhooks signs it, by hand."""
    made = render_event("evt_1", WebhookEvent.COMPLETED, datetime.now(UTC), EVENT_VIDEO)
    body, stamp = json.dumps(made), str(int(time.time()))
    digest = hmac.digest(
        base64.b64decode(SECRET.removeprefix("whsec_")), f"evt_1.{stamp}.{body}".encode(), "sha256"
    )
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return {"body": body, "headers": headers, "secret": SECRET}


def test_it_is_the_version_that_is_meant(journey: Journey) -> None:
    if journey.sdk.startswith("python"):
        assert journey.seen["version"].startswith(SDKS[journey.sdk])
    else:
        package = node_with(f"openai-{journey.sdk[-1]}") / "node_modules/openai/package.json"
        assert json.loads(package.read_text())["version"].startswith(SDKS[journey.sdk])


def test_a_create_says_what_is_made_in_place_of_what_was_asked(journey: Journey) -> None:
    created = journey.seen["created"]
    assert (created["object"], created["model"]) == ("video", "sora-2")
    assert created["status"] in ("queued", "in_progress")
    assert (created["seconds"], created["size"]) == ("5", "1280x720")
    assert journey.seen["adjusted"] == "seconds=4->5"


def test_polling_ends_with_the_video_and_downloads_are_its_bytes(
    journey: Journey, place: Site
) -> None:
    seen = journey.seen
    assert (seen["polled"]["status"], seen["polled"]["progress"]) == ("completed", 100)
    assert seen["polled_again"] == "completed"
    assert seen["polled"]["model"] == "sora-2-pro"
    film = place.upstream.video_sha256(f"{journey.sdk} polled")
    assert seen["downloaded"] == seen["streamed"] == film
    assert seen["head"] == "ftyp"
    assert bytes.fromhex(seen["thumbnail"]) == b"RIFF"


def test_lists_run_over_all_pages(journey: Journey) -> None:
    assert journey.seen["listed"] == journey.seen["made"]
    assert journey.seen["listed_asc"] == journey.seen["made"][::-1]


def test_a_video_begins_with_the_file_that_was_sent(journey: Journey) -> None:
    pictured = journey.seen["pictured"]
    assert (pictured["object"], pictured["model"]) == ("video", "sora-2")
    found = str(parse_generation_id(pictured["id"]))
    assert journey.caller.until_rest(found) == "succeeded"
    generation = journey.caller.generation(found)
    assert generation["feature"] == "IMAGE_TO_VIDEO"
    [image] = generation["inputs"]
    assert image["sha256"] == hashlib.sha256(picture("PNG", (640, 360))).hexdigest()


def test_tags_are_kept_and_found(journey: Journey) -> None:
    tags = {"cost_centre": "4711", "project": "Ω"}
    remix, polled = journey.seen["remix"], journey.seen["polled"]
    assert polled["metadata"] == remix["metadata"] == tags
    assert journey.seen["created"]["metadata"] == {}
    assert journey.seen["tagged"] == [remix["id"], polled["id"]]


def test_a_remix_names_its_source(journey: Journey) -> None:
    remix, polled = journey.seen["remix"], journey.seen["polled"]
    assert remix["remixed_from_video_id"] == polled["id"]
    assert remix["model"] == polled["model"]


def test_a_delete_is_understood(journey: Journey) -> None:
    assert journey.seen["deleted"] == {
        "id": journey.seen["polled"]["id"], "object": "video.deleted", "deleted": True,
    }  # fmt: skip


def test_models_are_listed(journey: Journey) -> None:
    assert {"sora-2", "ray-v3"} <= set(journey.seen["models"])
    # As routers write it.
    assert journey.seen["model"] == "openai/sora-2"


@pytest.mark.parametrize(
    ("which", "kind", "status", "code", "param"),
    [
        ("nobody", "AuthenticationError", 401, "invalid_api_key", None),
        ("unknown", "NotFoundError", 404, "not_found", None),
        ("expired", "NotFoundError", 404, "video_expired", None),
        ("size", "BadRequestError", 400, "unsupported_size", "size"),
        ("file", "BadRequestError", 400, "invalid_value", "input_reference"),
        ("poor", "RateLimitError", 429, "insufficient_quota", None),
    ],
)
def test_errors_have_their_class_and_are_not_sent_again(
    journey: Journey, which: str, kind: str, status: int, code: str, param: str | None
) -> None:
    error = journey.seen["errors"][which]
    assert (error["class"], error["status"], error["code"]) == (kind, status, code)
    assert error["param"] == param
    assert error["message"]
    assert error["type"]
    assert error["request_id"]
    assert error["attempts"] == 1


def test_a_create_whose_answer_is_lost_is_one_generation_and_one_submission(
    journey: Journey, place: Site
) -> None:
    """The SDK sent it again by itself, and once more where that did not arrive."""
    prompt, slow = f"{journey.sdk} slow", journey.seen["slow"]
    assert slow["attempts"][:3] == ["0", "1", "2"]
    generation_id = str(parse_generation_id(slow["id"]))
    assert journey.caller.until_rest(generation_id) == "succeeded"
    found = journey.caller.get("/api/v1/generations?limit=100").json()["data"]
    assert [each["id"] for each in found if each["spec"]["prompt"] == prompt] == [generation_id]
    assert place.upstream.counts(prompt)["submitted"] == 1


def test_everything_it_made_was_paid_for_once(journey: Journey, place: Site) -> None:
    found = journey.caller.get("/api/v1/generations?limit=100").json()["data"]
    assert len(found) == 8
    for each in found:
        assert journey.caller.until_rest(each["id"]) == "succeeded"
        assert place.upstream.counts(each["spec"]["prompt"])["submitted"] == 1


def test_the_sdk_verifies_what_it_is_told(journey: Journey) -> None:
    assert journey.seen["event"] == {"type": "video.completed", "video": f"video_{EVENT_VIDEO.hex}"}
    assert journey.seen["forged"] == "refused"
