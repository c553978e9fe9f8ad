"""LLM Gateway's provider for the AI SDK, which sends this API's create as JSON of its own kind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.harness.processes import Api, environment
from tests.harness.toolchains import node_with
from tests.promises.site import Site

PROGRAM = Path(__file__).with_name("llm_gateway.mjs")


def test_its_calls_become_videos(place: Site, api: Api, tmp_path: Path) -> None:
    caller = place.caller(api, "llm gateway")
    (tmp_path / "node_modules").symlink_to(node_with("llmgateway") / "node_modules")
    program = tmp_path / PROGRAM.name
    program.write_text(PROGRAM.read_text())
    settings = {"OPENAI_BASE_URL": f"{api.address}/v1", "OPENAI_API_KEY": caller.key}
    done = subprocess.run(
        ["node", str(program)], cwd=tmp_path, env=environment(tmp_path, settings),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    refused = found.pop("refused")
    assert found == {
        "seconds": 5, "audio": False, "key": True, "video": "ftyp", "kind": "video/mp4",
        "status": "completed",
    }  # fmt: skip
    assert refused["audio"] == ["AI_APICallError", 400, "audio is not offered"]
    # The model takes no such images.
    assert refused["last_frame"] == ["AI_APICallError", 400, "last_frame.image_url"]
    assert refused["references"] == ["AI_APICallError", 400, "reference_images.0.image_url"]
    assert refused["failed"][0] == "Error"
    # That is made.
    assert refused["image"] == "nothing"
    listed = caller.get("/api/v1/generations?metadata[cost_centre]=4711").json()["data"]
    assert [each["spec"]["resolution"] for each in listed] == ["720p"]
    assert place.upstream.counts("llm gateway 0")["submitted"] == 1
