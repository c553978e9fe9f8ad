"""The OpenAI wire from end to end, one file for each case.

`create_*`: the fields of a create, a line of dashes, what it becomes (our Spec, the words that are
echoed, what was adjusted), dashes, the Video that answers it. `error_*`: the fields, dashes, and
the status and body it is refused with. `form_*`: the parts of a form, one `name=value` to a line,
dashes, and the fields they make. REWRITE_GOLDEN=1 writes what the program makes of it anew, to be
reviewed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.dialects.openai import webhook_wire, wire
from app.domain.assets import AssetState
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Facts
from app.domain.generation import State
from app.domain.nearest import Aliases
from app.domain.webhooks import WebhookEvent
from app.errors import GatewayError
from app.settings import Settings
from tests.openai.generations import ARCHIVED, NOW, generation, in_state

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
DASHES = "\n---\n"
ALIASES = Aliases.parse(Settings.model_fields["model_aliases"].default, BUILT_IN)


def files(kind: str) -> pytest.MarkDecorator:
    found = [file for file in FILES if file.stem.startswith(f"{kind}_")]
    assert len(found) >= 5
    return pytest.mark.parametrize("file", found, ids=lambda file: file.stem)


def compare(file: Path, *sections: str) -> None:
    made = DASHES.join(sections) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(made)
    else:
        assert made == file.read_text()


def pretty(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


@files("create")
def test_a_create_and_its_answer(file: Path) -> None:
    fields = file.read_text().split(DASHES)[0].rstrip("\n")
    asked = wire.parse(json.loads(fields), aliases=ALIASES, strict=False)
    video = wire.render(generation(spec=asked.spec, echo=asked.echo), percent=0)
    words = pretty({"words": asked.echo, "adjusted": asked.adjusted,
                    "callback_url": asked.callback_url})  # fmt: skip
    compare(file, fields, f"{asked.spec!r}\n\n{words}", pretty(video))


@files("error")
def test_a_wrong_create_and_its_refusal(file: Path) -> None:
    fields = file.read_text().split(DASHES)[0].rstrip("\n")
    with pytest.raises(GatewayError) as raised:
        wire.parse(json.loads(fields), aliases=ALIASES, strict="strict" in file.stem)
    status, body = wire.render_error(raised.value, "golden-request-id")
    compare(file, fields, f"{status}\n{pretty(body)}")


@files("form")
def test_a_form_and_its_fields(file: Path) -> None:
    form = file.read_text().split(DASHES)[0].rstrip("\n")
    parts = [(name, value) for name, _, value in (line.partition("=") for line in form.split("\n"))]
    compare(file, form, pretty(wire.unnest(parts)))


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_status(state: State) -> None:
    video = wire.render(in_state(state), percent=7)
    assert video["status"] == {
        "queued": "queued", "submitting": "in_progress", "running": "in_progress",
        "unknown": "in_progress", "succeeded": "completed", "failed": "failed",
        "canceled": "failed",
    }[state]  # fmt: skip
    assert (video["error"] is not None) == (video["status"] == "failed")
    assert (video["completed_at"] is not None) == (video["status"] == "completed")
    assert video["progress"] == 7
    assert video.keys() == wire.render(generation(), percent=0).keys()


def test_a_videos_size_is_that_of_its_file() -> None:
    assert wire.render(in_state(State.SUCCEEDED), percent=100)["size"] == "704x1280"
    assert wire.render(in_state(State.RUNNING), percent=1)["size"] == "720x1280"


def test_a_failed_video_has_its_reason_and_says_whether_it_was_billed() -> None:
    assert wire.render(in_state(State.FAILED), percent=0)["error"] == {
        "code": "moderation_blocked", "message": "The upstream's moderation blocked the prompt.",
        "billed": False,
    }  # fmt: skip
    billed = wire.render(in_state(State.FAILED, settled=150_000), percent=0)
    assert billed["error"]["billed"] is True
    nameless = wire.render(in_state(State.FAILED, error_code=None, error_message=None), percent=0)
    assert nameless["error"]["code"] == "failed"


@pytest.mark.parametrize("state", [AssetState.DELETED, AssetState.LOST])
def test_a_file_that_is_gone_has_expired(state: AssetState) -> None:
    gone = in_state(State.SUCCEEDED, asset=replace(ARCHIVED, state=state))
    video = wire.render(gone, percent=100)
    assert video["expires_at"] == video["completed_at"]
    assert wire.render(in_state(State.SUCCEEDED), percent=100)["expires_at"] is None


def test_a_remix_of_one_that_another_api_made() -> None:
    source = generation(echo={})
    asked = wire.parse_remix({"prompt": "at night"}, source)
    assert asked.echo == {"model": "ray-v3"}
    assert asked.spec == source.spec.with_facts(Facts(prompt="at night"))
    video = wire.render(generation(remixed_from=UUID(int=7)), percent=0)
    assert video["remixed_from_video_id"] == f"video_{7:032x}"


@pytest.mark.parametrize(
    ("event", "told"),
    [(WebhookEvent.COMPLETED, "video.completed"), (WebhookEvent.FAILED, "video.failed"),
     (WebhookEvent.CANCELED, "video.failed")],
)  # fmt: skip
def test_an_event_is_one_of_the_two_that_openais_users_know(event: WebhookEvent, told: str) -> None:
    at = NOW + timedelta(seconds=1.9)
    assert webhook_wire.render_event("evt_7", event, at, generation().id) == {
        "id": "evt_7", "object": "event", "created_at": int(at.timestamp()), "type": told,
        "data": {"id": "video_000000000000400080000000000000ff"},
    }  # fmt: skip
