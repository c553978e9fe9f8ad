"""Dependencies are pinned and explained, and the repository names no machine or package index."""

from __future__ import annotations

import re
import tomllib

import pytest

from app.db import migrate
from tests.structure.sources import ROOT, read, texts, tracked

LOCKS = ("requirements.lock", "requirements-dev.lock")
#: The first character of each is in brackets, so that this file does not find itself.
FOREIGN = re.compile(
    r"[/]work/|[/]root/|[/]home/\w|[/]Users/\w|[/]opt/(?!reelgate)\w"
    r"|[p]ypi\.org|[p]ythonhosted|[n]pmjs\.(org|com)|[-]-(extra-)?index-url|[-]-find-links"
)

#: `psycopg==3.3.0 ; sys_platform != 'win32'     --hash=…`
PINNED = re.compile(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([\w.+]+)(?: ;[^\\]*?)?(?=\s+--hash|$)")


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """Package → version and hashes."""
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in read(name).replace("\\\n", " ").splitlines():
        pinned = PINNED.match(entry)
        assert pinned, f"{name}: {entry[:80]!r} is not one pinned package"
        found[pinned[1]] = (pinned[2], re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    packages = locked(name)
    assert len(packages) > 30
    assert [package for package, (_, hashes) in packages.items() if not hashes] == []


def test_both_locks_have_the_same_versions() -> None:
    runtime, development = (locked(name) for name in LOCKS)
    assert {package: development.get(package) for package in runtime} == runtime


def _declared() -> dict[str, list[str]]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    groups = {"runtime": project["dependencies"], **project["optional-dependencies"]}
    return {group: [_name(line) for line in lines] for group, lines in groups.items()}


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def test_every_declared_package_is_locked() -> None:
    declared = _declared()
    assert {*declared["runtime"], *declared["build"]} <= locked("requirements.lock").keys()
    assert {*declared["dev"]} <= locked("requirements-dev.lock").keys()


def test_every_declared_package_has_a_reason_and_an_upper_bound() -> None:
    lines = re.findall(r'^  "([a-z].*)",(.*)$', read("pyproject.toml"), re.MULTILINE)
    written = {_name(line): (line, reason) for line, reason in lines}
    for group, names in _declared().items():
        for name in names:
            line, reason = written[name]
            assert re.match(r"\s+# \w", reason), f"{name} has no reason"
            assert group == "build" or ",<" in line, f"{name} has no upper bound"


def test_nothing_names_a_machine_or_a_package_index() -> None:
    found = []
    for path in texts():
        lines = read(path).splitlines()
        found += [f"{path}:{n}: {line.strip()[:90]}" for n, line in enumerate(lines, start=1)
                  if FOREIGN.search(line)]  # fmt: skip
    assert found == []


def test_the_migrations_are_found() -> None:
    assert migrate.MIGRATIONS == ROOT / "migrations"
    assert migrate.head_revision() != ""


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE))


def test_documented_make_targets_exist() -> None:
    # In code only: "make sure" is not a command.
    documents = [path for path in tracked() if path.suffix == ".md"]
    named = {
        target
        for path in documents
        for target in re.findall(r"(?:`|^)make ([a-z][a-z-]*)", read(path), re.MULTILINE)
    }
    assert {"run", "test"} <= named
    assert named <= _targets()


def test_every_make_target_is_phony_and_the_public_ones_are_explained() -> None:
    makefile = read("Makefile")
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split())
    assert _targets() <= phony
    explained = set(re.findall(r"^([a-z][\w-]*):.*## \w", makefile, re.MULTILINE))
    assert explained == _targets() - {"lint", "types", "contracts"}


def test_the_build_machine_runs_the_documented_command() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert script.splitlines()[-1] == "make test"
    assert "set -euo pipefail" in script
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
