"""Blocks that tests do not run, each with its reason, by page and name. `*` is every block of
the page."""

from __future__ import annotations

from tests.documents.pages import Block

NOT_RUN: dict[str, dict[str, str]] = {
    "README.md": {
        "your programs                       Reelgate                             1min.ai":
            "a drawing",
        "make run": "installs from a package index; tests/structure/test_install.py does it",
        "app/": "a list of folders; tests/structure/test_layout.py checks it",
    },
    "bench/README.md": {"*": "takes minutes; tests/bench runs its parts"},
    "docs/backup.md": {"*": "stops a gateway; tests/videos/test_backup.py does it step by step"},
    "docs/clients/litellm.md": {"*": "installs 700 MB; tests/clients/test_litellm.py runs it"},
    "docs/clients/web-page.md": {"*": "tests/clients/test_web_page.py uses it in a browser"},
    "docs/containers.md": {"*": "needs a container engine"},
    "docs/guide.md": {
        '"errorCode": "INSUFFICIENT_CREDITS",':
            "needs a member without credits; tests/native/test_limits.py compares such an answer",
    },
    "docs/operations.md": {
        "install -m 600 .env.example .env": "needs a container engine",
        "make install                 # once":
            "runs for ever; tests/promises/test_apart.py runs the processes",
        "secrets:": "needs a container engine; tests/test_settings_sources.py reads such files",
        "spec:": "needs Kubernetes",
        "reelgate catalog check": "asks 1min.ai; tests/catalog/test_check.py asks a simulator",
        "reelgate archive move --to s3://bucket/prefix":
            "needs a bucket; tests/videos/test_verify.py moves a folder",
        '{"Rules": [{"ID": "incomplete uploads", "Status": "Enabled", "Filter": {"Prefix": ""},':
            "is for a bucket",
        "rclone copy /srv/videos remote:videos     # or your store's replication": "needs a bucket",
        "createdb reelgate &&":
            "needs a gateway that is lost; tests/videos/test_backup.py restores",
    },
    "docs/reliability.md": {"*": "takes minutes; tests/chaos and tests/storms run short ones"},
    "docs/webhooks.md": {
        '{"id": "msg_…", "object": "event", "created_at": 1795381200, "type": "video.completed", '
        '"data": {"id": "video_…"}}': "docs/clients/openai.md receives one",
    },
    "tests/sdk/README.md": {"*": "rewrites the locks from a package index"},
}  # fmt: skip
#: Programs of others, which print how far they are. Such a block needs no answer in the page.
TALKATIVE = (
    "openapi-generator-cli ", "openapi-python-client ", "openapi-ts ", "openapi-typescript ",
)  # fmt: skip


def reason(block: Block) -> str | None:
    reasons = NOT_RUN.get(str(block.page), {})
    return reasons.get(block.name) or reasons.get("*")


def is_talkative(block: Block) -> bool:
    return any(line.startswith(TALKATIVE) for line in block.text.splitlines())
