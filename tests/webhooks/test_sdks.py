"""What the gateway really sent, accepted by the verification of OpenAI's own SDKs."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.harness.processes import environment
from tests.harness.toolchains import node_with, python_with
from tests.webhooks.receiving import endpoint, receiving, webhook_gateway
from tests.webhooks.test_delivery import made

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


def command(sdk: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    language, _, version = sdk.partition("-")
    script = folder / f"unwrap-{sdk}.{'py' if language == 'python' else 'js'}"
    script.write_text(PYTHON if language == "python" else NODE)
    if language == "python":
        return [str(python_with(f"openai-{version}")), str(script)], {}
    modules = node_with(f"openai-{version}") / "node_modules"
    return ["node", str(script)], {"NODE_PATH": str(modules)}


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
