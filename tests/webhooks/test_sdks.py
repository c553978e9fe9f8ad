"""OpenAI's own SDKs with webhooks: what the gateway really sent is accepted by their verification,
and their newest versions manage the endpoints."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import environment
from tests.harness.sockets import listening
from tests.harness.toolchains import node_with, python_with
from tests.webhooks.receiving import endpoint, receiving, webhook_gateway
from tests.webhooks.test_delivery import made

HERE = Path(__file__).parent
PYTHON = """\
import json, sys, openai
given = json.loads(sys.argv[1])
client = openai.OpenAI(api_key="rg_x", base_url="http://127.0.0.1:9/v1")
event = client.webhooks.unwrap(given["body"], given["headers"], secret=given["secret"])
print(event.type, event.data.id)
"""
NODE = """\
const OpenAI = require("openai");
const { body, headers, secret } = JSON.parse(process.argv[2]);
const client = new OpenAI({ apiKey: "rg_x", baseURL: "http://127.0.0.1:9/v1" });
client.webhooks
  .unwrap(body, headers, secret)
  .then((event) => console.log(event.type, event.data.id));
"""


def program(sdk: str) -> tuple[str, dict[str, str]]:
    """What runs a script beside the SDK, and its variables."""
    language, _, version = sdk.partition("-")
    if language == "python":
        return str(python_with(f"openai-{version}")), {}
    return "node", {"NODE_PATH": str(node_with(f"openai-{version}") / "node_modules")}


def command(sdk: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    python = sdk.startswith("python")
    script = folder / f"unwrap-{sdk}.{'py' if python else 'js'}"
    script.write_text(PYTHON if python else NODE)
    runner, more = program(sdk)
    return [runner, str(script)], more


def run(words: list[str], more: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env=environment(folder, more), cwd=folder, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("sdk", ["python-2", "python-3", "node-6", "node-7"])
async def test_an_sdk_unwraps_it(database_url: str, tmp_path: Path, sdk: str) -> None:
    # First, because it may take minutes to install, and what was signed is good for five.
    words, more = command(sdk, tmp_path)
    async with (
        receiving() as receiver,
        webhook_gateway(database_url, tmp_path, receiver) as gate,
    ):
        key = await gate.member()
        hook = await endpoint(gate, key, receiver.url, format="openai")
        uuid = await made(gate, key)
        (request,) = await receiver.until(1)
    given = {
        "body": request.body.decode(), "headers": request.headers, "secret": hook["secret"],
    }  # fmt: skip
    done = await asyncio.to_thread(run, [*words, json.dumps(given)], more, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["video.completed", f"video_{uuid.replace('-', '')}"]


@pytest.mark.parametrize(
    ("sdk", "script"), [("python-3", "managing.py"), ("node-7", "managing.js")]
)
async def test_an_sdk_manages_endpoints_and_unwraps_what_they_get(
    database_url: str, tmp_path: Path, sdk: str, script: str
) -> None:
    unwrapping, more = command(sdk, tmp_path)
    runner, _ = program(sdk)
    async with (
        receiving() as receiver,
        webhook_gateway(database_url, tmp_path, receiver) as gate,
        listening(gate) as http,
    ):
        more["OPENAI_BASE_URL"] = f"{http.base_url}/v1"
        more["OPENAI_API_KEY"] = await gate.member()
        words = [runner, str(HERE / script), receiver.url]
        done = await asyncio.to_thread(run, words, more, tmp_path)
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        assert_managed(seen, receiver.url)
        sample, event = await receiver.until(2)
    for request, secret, video in (
        (sample, seen["made"]["signing_secret"], f"video_{0:032x}"),
        (event, seen["made"]["signing_secret"], seen["video"]),
        (event, seen["rotated"]["signing_secret"], seen["video"]),
    ):
        given = {"body": request.body.decode(), "headers": request.headers, "secret": secret}
        done = await asyncio.to_thread(run, [*unwrapping, json.dumps(given)], more, tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["video.completed", video]


def assert_managed(seen: dict[str, Any], url: str) -> None:
    made, rotated = seen["made"], seen["rotated"]
    assert seen["types"] == ["video.completed", "video.failed", "video.archived"]
    assert made["id"].startswith("whe_")
    assert (made["object"], made["name"], made["url"]) == ("webhook_endpoint", "ours", url)
    assert made["event_types"] == ["video.completed", "video.failed"]
    assert made["signing_secret"].endswith(made["signing_secret_hint"][-4:])
    assert seen["listed"] == [seen["other"], made["id"]]
    assert seen["got"] == {n: v for n, v in made.items() if n != "signing_secret"}
    assert (seen["updated"]["name"], seen["updated"]["event_types"]) == (
        "mine", ["video.completed"],
    )  # fmt: skip
    assert seen["tested"] == {
        "object": "webhook_endpoint.test", "webhook_endpoint_id": made["id"],
        "event_type": "video.completed", "status_code": 204, "success": True,
    }  # fmt: skip
    assert (rotated["id"], rotated["name"]) == (made["id"], "mine")
    assert rotated["signing_secret"] != made["signing_secret"]
    assert seen["deleted"] == {
        "id": seen["other"], "object": "webhook_endpoint.deleted", "deleted": True,
    }  # fmt: skip
    assert seen["gone"] == ["NotFoundError", "not_found", None]
    assert seen["plain"] == ["BadRequestError", "invalid_value", "url"]
    assert seen["foreign"] == ["BadRequestError", "invalid_value", "event_type"]
