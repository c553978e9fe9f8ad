"""What the documents name exists: files, headings, settings, commands, metrics, log events."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.commands import cli
from app.settings import Settings, environment_name, file_setting
from app.settings.names import OF_CALLERS
from app.simulator.faults import FAULTS
from app.telemetry import Metrics
from tests.structure import documents
from tests.structure.documents import anchors, fences, links, prose, snippets, spans
from tests.structure.sources import ROOT, python, read

DOCUMENTS = documents.documents()
WRITTEN_BY_HAND = [path for path in DOCUMENTS if path.name != "reference.md"]
#: Settings that other programs read.
FOREIGN = {
    "AWS_ACCESS_KEY_ID": "the archive's library",
    "AWS_SECRET_ACCESS_KEY": "the archive's library",
    "AWS_REGION": "the archive's library",
    "AWS_ENDPOINT_URL": "the archive's library",
    "AZURE_STORAGE_ACCOUNT_NAME": "the archive's library",
    "GOOGLE_APPLICATION_CREDENTIALS": "the archive's library",
}
#: Functions of the database, whose names look like those of metrics.
FUNCTIONS = {
    name
    for file in (ROOT / "migrations/sql").glob("*.sql")
    for name in re.findall(r"FUNCTION (reelgate_\w+)", file.read_text())
}

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=str)


@each_document
def test_every_link_within_the_project_has_a_target(path: Path) -> None:
    broken = []
    for file, anchor in links(path):
        target = (ROOT / path).parent / file if file else ROOT / path
        inside = target.resolve().is_relative_to(ROOT) and target.exists()
        if not inside or (anchor and anchor not in anchors(target.resolve().relative_to(ROOT))):
            broken.append(f"{file}#{anchor}")
    assert broken == []


@each_document
def test_every_path_it_names_exists(path: Path) -> None:
    folders = r"(?<![\w/.{-])(?:app|tests|bench|docs|examples|migrations)/[\w./-]*"
    named = {
        found.rstrip(".,:;")
        for code in [*spans(path), *(text for _, text in fences(path))]
        for found in re.findall(folders, code)
    }
    # Files that a run creates exist only afterwards.
    left_behind = tuple(line[1:] for line in read(".gitignore").splitlines() if line[:1] == "/")
    missing = {name for name in named if not (ROOT / name).exists()}
    assert {name for name in missing if not f"{name}/".startswith(left_behind)} == set()


@each_document
def test_every_setting_it_names_exists(path: Path) -> None:
    known = {environment_name(field) for field in Settings.model_fields} | FOREIGN.keys()
    known |= OF_CALLERS
    known |= {file for field in Settings.model_fields if (file := file_setting(field))}
    # Settings of the compose file itself.
    known |= set(re.findall(r"\$\{(\w+)", read("docker-compose.yml")))
    named = re.findall(
        r"\b(?:REELGATE|ONEMIN|DATABASE|POSTGRES|AWS|AZURE|GOOGLE)_[A-Z0-9_]*[A-Z0-9]\b",
        read(path),
    )
    assert set(named) - known == set()


@each_document
def test_every_command_and_option_it_names_exists(path: Path) -> None:
    root = get_command(cli)
    wrong = [
        line for line in snippets(path) for words in _calls(line) if not _is_command(root, words)
    ]
    assert wrong == []


def _calls(line: str) -> list[list[str]]:
    """The words after each `reelgate` that a line runs, itself or through docker compose."""
    called = re.compile(
        r"(?:^|[\s/;&|(])(?:reelgate|docker compose run --rm (?:api|worker)) +([^;&|)]*)"
    )
    return [found[1].split() for found in called.finditer(line)]


def _is_command(command: Any, words: list[str]) -> bool:
    """Whether these words name a command, or a group of commands, with existing options only."""
    while words and (below := getattr(command, "commands", None)):
        if words[0] not in below:
            return re.fullmatch(r"[-…A-Z].*", words[0]) is not None
        command, words = below[words[0]], words[1:]
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return given <= known | {"--help"}


@each_document
def test_every_make_target_it_names_exists(path: Path) -> None:
    named = {
        found for line in snippets(path) for found in re.findall(r"(?:^|\s)make ([a-z-]+)", line)
    }
    assert named - _targets() == set()


def test_the_two_commands_of_the_readme_are_targets() -> None:
    section = re.search(r"^## Two commands$(.*?)^## ", read("README.md"), re.MULTILINE | re.DOTALL)
    assert section is not None
    blocks = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert [block.splitlines() for block in blocks] == [["make run", "make test"]]
    assert {"run", "test"} <= _targets()


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


@each_document
def test_every_metric_it_names_exists(path: Path) -> None:
    there = {
        sample.name for family in Metrics().registry.collect() for sample in family.samples
    } | {family.name for family in Metrics().registry.collect()}
    there |= {f"{family.name}_total" for family in Metrics().registry.collect()}
    named = {name for code in spans(path) for name in re.findall(r"\breelgate_[a-z_0-9]+", code)}
    assert named - there - FUNCTIONS == set()


@pytest.mark.parametrize("path", WRITTEN_BY_HAND, ids=str)
def test_every_fault_it_names_exists(path: Path) -> None:
    assert set(re.findall(r"\[sim:([a-z0-9_]+)\]", read(path))) - {"name"} <= FAULTS.keys()


def test_every_log_event_of_the_operations_page_is_logged() -> None:
    section = re.search(
        r"^## Logs$(.*?)^## ", prose(Path("docs/operations.md")), re.MULTILINE | re.DOTALL
    )
    assert section is not None
    named = {
        event
        for cell in re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE)
        for event in re.findall(r"`(\w+)`", cell)
    }
    code = "".join(read(path) for path in python("app"))
    assert named
    assert {event for event in named if f'"{event}"' not in code} == set()


def test_every_decision_has_its_parts_and_number() -> None:
    decisions = sorted(path for path in DOCUMENTS if path.parent == Path("docs/decisions"))
    assert [path.name[:4] for path in decisions] == [
        f"{number:04d}" for number in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        text = read(path)
        assert text.startswith(f"# {path.name[:4]}: "), path
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path
