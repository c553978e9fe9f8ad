"""`/` and the guides, as a browser and as a program see them."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from app import __version__
from app.http import guides
from tests.harness.gateway import Gateway

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html", ""])
async def test_a_program_gets_the_links(still_gate: Gateway, accept: str) -> None:
    answer = await still_gate.http.get("/", headers={"Accept": accept})
    found = answer.json()
    assert (found["name"], found["version"], found["simulated"]) == ("Reelgate", __version__, True)
    base = still_gate.rt.settings.link_base
    for link in (found["docs"], found["openapi"], *found["guides"].values()):
        followed = await still_gate.http.get(link.removeprefix(base))
        assert followed.status_code == 200, link
    for link in found["apis"].values():
        refused = await still_gate.http.get(link.removeprefix(base) + "/nothing")
        assert refused.status_code == 404


async def test_first_calls_are_a_page(still_gate: Gateway) -> None:
    answer = await still_gate.http.get("/guides", headers=BROWSER)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    assert "simulator</strong> stands in" in page
    assert "<script" not in page
    for call in ("cURL", "Python, without an SDK", "OpenAI&#x27;s SDK for Node", "Agents SDK"):
        assert call in page
    assert f"export REELGATE_URL={still_gate.rt.settings.link_base} REELGATE_KEY=" in page
    assert page.count("<details open>") == 1
    # Each can be pasted into a shell as it is.
    assert page.count("cat &gt; boat.py") == page.count("\npython boat.py\npython boat.py") == 5
    assert page.count("cat &gt; boat.mjs") == page.count("\nnode boat.mjs\n") == 3
    head = await still_gate.http.head("/guides", headers=BROWSER)
    assert (head.status_code, head.content) == (200, b"")


async def test_every_link_of_the_pages_leads_somewhere(still_gate: Gateway) -> None:
    """From the first calls through all guides, with their sections."""
    pages: dict[str, str] = {}
    waiting = ["/guides"]
    anchors: set[tuple[str, str]] = set()
    while waiting:
        path = waiting.pop()
        answer = await still_gate.http.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        pages[path] = answer.text if "html" in answer.headers["content-type"] else ""
        if path == "/docs":
            continue
        for link in re.findall(r'href="([^"]+)"', pages[path]):
            target, _, anchor = urljoin(path, link).partition("#")
            if target.startswith("http"):
                continue
            if anchor:
                anchors.add((target, anchor))
            if target not in pages and target not in waiting:
                waiting.append(target)
    assert len(pages) > len(guides.guides())
    assert {
        (path, anchor) for path, anchor in anchors if f'id="{anchor}"' not in pages[path]
    } == set()


def test_every_document_for_users_is_a_guide() -> None:
    docs = guides._DOCS
    written = {str(file.relative_to(docs).with_suffix("")) for file in docs.rglob("*.md")}
    assert {name for name in written if not name.startswith("decisions/")} == set(guides.guides())


async def test_there_are_no_other_guides(still_gate: Gateway) -> None:
    for name in ("nothing.md", "../README.md", "decisions/0001-admission-is-one-function.md", ""):
        answer = await still_gate.http.get(f"/guides/{name}")
        assert answer.status_code == 404, name
        assert answer.json()["code"] == "not_found"
