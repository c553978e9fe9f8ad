"""Every example of every page runs as it stands, in the order of the page, and prints what the page
shows. `reasons.py` has what cannot be run here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.caller import Role
from tests.documents.answers import differences
from tests.documents.conftest import Place
from tests.documents.installing import Shelf, write_installers
from tests.documents.pages import Block, blocks
from tests.documents.reasons import NOT_RUN, is_talkative, reason
from tests.documents.session import run
from tests.harness.database import TOOLS
from tests.harness.processes import environment
from tests.harness.toolchains import node_with, python_with
from tests.promises.site import Caller
from tests.structure.documents import documents

LOCAL = "http://127.0.0.1:8080"
SIMULATOR = "http://127.0.0.1:8090"
#: The port of a webhook receiver.
RECEIVER = "9000"
VARIABLES = f"export REELGATE_URL={LOCAL} REELGATE_KEY=rg_..."
PAGES = {page: blocks(page) for page in documents()}
RUN = {page: kept for page, all_ in PAGES.items() if (kept := [b for b in all_ if not reason(b)])}
#: Page → the names of the locks (for Python, for Node) that its installations are taken from, once
#: for each version that it is to run with. Others have this project's own environment.
SHELVES: dict[str, list[tuple[list[str], list[str]]]] = {
    "docs/clients/luma.md": [(["luma"], ["luma"])],
    "docs/clients/luma-agents.md": [(["luma"], [])],
    # The endpoint is created with version 3 in both.
    "docs/clients/openai.md": [
        (["openai-2", "openai-3"], ["openai-6"]),
        (["openai-3"], ["openai-7"]),
    ],
    "docs/clients/openrouter.md": [(["openrouter"], ["openrouter"])],
    "docs/clients/python-generated.md": [(["openapi-python-client", "openapi-generator"], [])],
    "docs/clients/typescript.md": [(["openapi-generator"], ["clients"])],
}
#: `REELGATE_URL = os.environ["REELGATE_URL"]`, and the like in JavaScript and shell.
_NAMED = re.compile(
    r"""^(?:const |let |export )?(\w+) ?= ?"?(?:os\.environ\["|process\.env\.|\$)(REELGATE_\w+)""",
    re.MULTILINE,
)
#: Variables that a reader has without having read the page.
GIVEN = {"PATH", "PWD", "DATABASE_URL", "ID"}
#: What an SDK itself reads, on its own page.
OF_SDKS = {
    "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET",
    "LUMAAI_BASE_URL", "LUMAAI_API_KEY", "LUMA_BASE_URL", "LUMA_AGENTS_API_KEY",
    "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL",
}  # fmt: skip


_RUNS = [
    (page, python, node) for page in RUN for python, node in SHELVES.get(str(page), [([], [])])
]


@pytest.mark.parametrize(
    ("page", "python", "node"), _RUNS,
    ids=[" ".join([str(page), *python, *node]) for page, python, node in _RUNS],
)  # fmt: skip
def test_a_page_does_what_it_shows(
    place: Place, tmp_path: Path, page: Path, python: list[str], node: list[str]
) -> None:
    shelf = Shelf(
        python=[str(python_with(name).parents[1]) for name in python] or [sys.prefix],
        node=[str(node_with(name)) for name in node],
        npm=shutil.which("npm") or "npm",
    )
    write_installers(tmp_path / "bin", shelf)
    (tmp_path / "bin" / "reelgate").symlink_to(place.reelgate)
    known = environment(tmp_path, place.site.settings)
    known["PATH"] = f"{tmp_path / 'bin'}:{TOOLS}:{known['PATH']}"
    caller = _reader(place, page, " ".join([page.stem, *python]))
    if page.name == "operations.md":
        known["ID"] = place.unknown(caller)
    replace = {
        LOCAL: place.api.address, SIMULATOR: place.site.upstream.address,
        RECEIVER: place.receiver, "rg_...": caller.key,
    }  # fmt: skip
    printed = run(RUN[page], tmp_path / "reader", replace=replace, environment=known)
    wrong = [
        f"{block}: {each}" for block, out in printed.items() for each in _wrong(block, out, replace)
    ]
    assert not wrong, "\n".join(wrong)
    if page.name == "python-generated.md":
        _check_types(tmp_path / "reader", *shelf.python)


def _reader(place: Place, page: Path, name: str) -> Caller:
    if page.name == "README.md":
        # The reader has the key of the first start.
        return place.site.caller(place.api, "admin", team="default", role=Role.ADMIN)
    operators = page.name in ("budgets.md", "managing.md", "upstream-credits.md")
    role = Role.ADMIN if operators else Role.MEMBER
    return place.site.caller(place.api, name, team="default", role=role)


def _wrong(block: Block, printed: str, replace: dict[str, str]) -> list[str]:
    if block.answer is None:
        if printed and not is_talkative(block):
            return [f"the page does not show what this prints: {printed[-2000:]}"]
        return []
    language, shown = block.answer
    for local, real in replace.items():
        shown = shown.replace(local, real)
    return differences(language, shown, printed)


def _check_types(folder: Path, *environments: str) -> None:
    """What was generated has types for all that the two programs use."""
    for environment_, program, options in zip(
        environments, ("example.py", "generated/example.py"), (["--strict"], []), strict=True
    ):
        python = Path(environment_, "bin", "python")
        done = subprocess.run(
            [python, "-m", "mypy", "--follow-imports=silent", *options, program],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_every_block_can_be_run_or_has_a_reason() -> None:
    """It is a file with a name, or commands, or their answer."""
    odd = [
        f"{block}: {block.language or 'no language'}"
        for page in RUN.values()
        for block in page
        if not block.commands and not block.file
    ]
    assert odd == [], "name the file right above the block (`name`:), or see reasons.py"


def test_every_reason_is_needed() -> None:
    there = {
        (str(page), name)
        for page, found in PAGES.items()
        for block in found
        for name in ("*", block.name)
    }
    assert {(page, name) for page in NOT_RUN for name in NOT_RUN[page]} - there == set()


def test_every_page_has_the_same_two_variables() -> None:
    """Address and key have no other name, and stand in the page once."""
    wrong = []
    for page, found in RUN.items():
        text = "".join(block.text for block in found)
        uses = "REELGATE_URL" in text or "REELGATE_KEY" in text
        if uses and not found[0].text.startswith(f"{VARIABLES}\n"):
            wrong.append(f"{page} does not begin with {VARIABLES}")
        if (text.count(LOCAL), text.count("rg_...")) != (uses, uses):
            wrong.append(f"{page} has the address or the key again")
        for name, of in _NAMED.findall(text):
            if name != of and name not in OF_SDKS:
                wrong.append(f"{page} has another name of {of}: {name}")
    assert wrong == []


def test_every_variable_is_the_readers() -> None:
    unknown = {}
    for page, found in RUN.items():
        text = "".join(block.text for block in found)
        read = re.findall(r"""(?:\$\{?|environ\["|process\.env\.)([A-Z][A-Z_]+)\b""", text)
        made = re.findall(r"\b([A-Z][A-Z_]+)=", text)
        of_sdks = OF_SDKS if page.parent.name == "clients" else set()
        if strange := set(read) - {*made} - GIVEN - of_sdks:
            unknown[str(page)] = strange
    assert unknown == {}
