"""Locks are installed without a resolver, so newer releases do not break the installation."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.structure.sources import ROOT, read, tracked

#: This lock pins an old `coverage`, and `pytest-cov` requires `coverage[toml]`. The resolver of pip
#: 23.2 takes the newest `coverage` for that, finds no hash for it and refuses the lock.
OLDER = ROOT / "tests" / "structure" / "older.lock"
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "locked"
version = "0"

[tool.setuptools]
py-modules = []
"""


def _entry(package: str, lock: str) -> str:
    found = re.search(rf"^{package}==(?:.*\\\n)*.*\n", read(lock), re.MULTILINE)
    assert found, f"{lock} has no {package}"
    return found[0]


def test_a_lock_with_an_old_package_installs(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.lock").write_text(_entry("setuptools", "requirements.lock"))
    shutil.copy(OLDER, tmp_path / "requirements-dev.lock")
    done = subprocess.run(
        ["make", ".venv/.development"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [".venv/bin/python", "-m", "pip", "freeze"], cwd=tmp_path, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert "coverage==7.10.7\n" in listed


def test_every_lock_is_installed_without_a_resolver() -> None:
    """The resolver of newer pips accepts this lock, so the options are checked too."""
    found = [
        (str(path), line)
        for path in tracked()
        if path.name in ("Makefile", "Dockerfile", "toolchains.py", "run")
        for line in read(path).splitlines()
        if "--require-hashes" in line
    ]
    assert {path for path, _ in found} == {"Makefile", "Dockerfile", "tests/harness/toolchains.py"}
    assert [line for _, line in found if "--no-deps" not in line] == []
