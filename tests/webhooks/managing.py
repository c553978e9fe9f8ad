"""Runs inside an environment that holds the OpenAI SDK: all that a user does with webhook
endpoints. Prints what it saw as JSON; the tests judge it."""

from __future__ import annotations

import json
import sys
from typing import Any

import openai

url: str = sys.argv[1]
client: Any = openai.OpenAI()
hooks = client.webhooks


def refused(ask: Any) -> list[Any]:
    try:
        ask()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, error.param]
    raise AssertionError("it was not refused")


types = hooks.event_types.list().data
made = hooks.create(name="ours", url=url, event_types=["video.failed", "video.completed"])
other = hooks.create(name="other", url=url, event_types=["video.failed"])
seen = {
    "types": types,
    "made": made.model_dump(),
    "listed": [each.id for each in hooks.list(limit=1)],
    "got": hooks.retrieve(made.id).model_dump(),
    "updated": hooks.update(made.id, name="mine", event_types=["video.completed"]).model_dump(),
    "tested": hooks.test(made.id, event_type="video.completed").model_dump(),
    "rotated": hooks.rotate_secret(
        made.id, keep_old_secret_active_for_24_hours=True
    ).model_dump(),
    "deleted": hooks.delete(other.id).model_dump(),
    "other": other.id,
    "gone": refused(lambda: hooks.retrieve(other.id)),
    "plain": refused(
        lambda: hooks.create(name="x", url="http://a.example/", event_types=["video.failed"])
    ),
    "foreign": refused(lambda: hooks.test(made.id, event_type="batch.completed")),
    "video": client.videos.create(prompt="a paper boat").id,
}  # fmt: skip
print(json.dumps(seen))
