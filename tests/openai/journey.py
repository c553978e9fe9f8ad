"""Runs inside an environment that holds the OpenAI SDK: everything a user does with it. Prints what
it saw as JSON; the tests judge it."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import sys
import warnings
from typing import Any

import openai

# The SDK speaks through httpx2 since its version 3.
http: Any = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")

warnings.simplefilter("ignore", DeprecationWarning)
given: dict[str, Any] = json.loads(sys.argv[1])
name: str = given["name"]
seen: dict[str, Any] = {"version": openai.__version__}
sent: list[str] = []


def counting() -> Any:
    def count(request: Any) -> None:
        sent.append(request.headers.get("x-stainless-retry-count", "-"))

    return http.Client(event_hooks={"request": [count]})


def refused(ask: Any) -> dict[str, Any]:
    before = len(sent)
    try:
        ask()
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__, "status": error.status_code, "code": error.code,
            "param": error.param, "type": error.type, "message": error.message,
            "request_id": error.request_id, "attempts": len(sent) - before,
        }  # fmt: skip
    raise AssertionError("it was not refused")


client = openai.OpenAI(http_client=counting())

answer = client.videos.with_raw_response.create(
    prompt=f"{name} first", model="sora-2", seconds="4", size="1280x720"
)
first = answer.parse()
seen["created"] = first.model_dump()
seen["adjusted"] = answer.headers.get("reelgate-adjusted")

tags = {"cost_centre": "4711", "project": "Ω"}
polled = client.videos.create_and_poll(
    prompt=f"{name} polled",
    model="sora-2-pro",
    poll_interval_ms=100,
    extra_body={"loop": True, "resolution": "720p", "metadata": tags},
)
seen["polled"] = polled.model_dump()
seen["polled_again"] = client.videos.poll(polled.id).status

content = client.videos.download_content(polled.id)
seen["downloaded"] = hashlib.sha256(content.read()).hexdigest()
streamed = hashlib.sha256()
with client.videos.with_streaming_response.download_content(polled.id) as stream:
    for block in stream.iter_bytes():
        streamed.update(block)
seen["streamed"] = streamed.hexdigest()
seen["head"] = client.videos.download_content(
    polled.id, extra_headers={"Range": "bytes=4-7"}
).read().decode()  # fmt: skip
# Until the video is in the archive, the answer says that it may be tried again.
patient = client.with_options(max_retries=20)
thumbnail = patient.videos.download_content(polled.id, variant="thumbnail")
seen["thumbnail"] = thumbnail.read()[:4].hex()

remix = client.videos.remix(polled.id, prompt=f"{name} remixed")
seen["remix"] = remix.model_dump()
more = [client.videos.create(prompt=f"{name} {number}").id for number in range(3)]
seen["made"] = [*reversed(more), remix.id, polled.id, first.id]
seen["listed"] = [video.id for video in client.videos.list(limit=2)]
seen["listed_asc"] = [video.id for video in client.videos.list(limit=4, order="asc")]
tagged = client.videos.list(limit=1, extra_query={"metadata": {"cost_centre": "4711"}})
seen["tagged"] = [video.id for video in tagged]
deleted = client.videos.delete(polled.id)
seen["deleted"] = deleted.model_dump()
seen["models"] = [model.id for model in client.models.list()]
seen["model"] = client.models.retrieve("openai/sora-2").id

picture = ("cat.png", base64.b64decode(given["picture"]), "image/png")
pictured = client.videos.create(prompt=f"{name} pictured", input_reference=picture)
seen["pictured"] = pictured.model_dump()

seen["errors"] = {
    "nobody": refused(lambda: client.with_options(api_key="wrong").videos.list()),
    "unknown": refused(lambda: client.videos.retrieve("video_" + "0" * 32)),
    "expired": refused(lambda: client.videos.download_content(polled.id)),
    "size": refused(lambda: client.videos.create(prompt="x", size="640x480")),  # type: ignore[arg-type, unused-ignore]
    "file": refused(lambda: client.videos.create(prompt="x", input_reference=b"picture")),
    "poor": refused(
        lambda: client.with_options(api_key=given["poor_key"]).videos.create(prompt="x")
    ),
}

# More attempts than the network loses: on a busy machine the third may take too long as well.
slow = openai.OpenAI(
    base_url=given["swallowing"], timeout=3.0, max_retries=6, http_client=counting()
)
before = len(sent)
slow_video = slow.videos.create(prompt=f"{name} slow")
seen["slow"] = {"id": slow_video.id, "attempts": sent[before:]}

event: Any = client.webhooks.unwrap(
    given["event"]["body"], given["event"]["headers"], secret=given["event"]["secret"]
)
seen["event"] = {"type": event.type, "video": event.data.id}
try:
    client.webhooks.unwrap(
        given["event"]["body"] + " ", given["event"]["headers"], secret=given["event"]["secret"]
    )
except openai.InvalidWebhookSignatureError:
    seen["forged"] = "refused"

print(json.dumps(seen))
