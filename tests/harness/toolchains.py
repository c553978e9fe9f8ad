"""Programs of the machine that tests run, and SDKs and client generators, each installed once from
a lock into its own folder.

The locks are `tests/sdk/python/<name>.lock` and `tests/sdk/node/<name>/package-lock.json`, or that
of an example. The folders are below `.toolchains/`, outside the repository, and are rebuilt when
their lock changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.structure.sources import ROOT

#: Allows for a slow package index. Variables of the machine override these.
PACKAGE_OPTIONS = {
    "PIP_DEFAULT_TIMEOUT": "120",
    "PIP_RETRIES": "10",
    "npm_config_fetch_retries": "5",
}
LOCKS = ROOT / "tests" / "sdk"
INSTALLED = ROOT / ".toolchains"


def program(name: str) -> Path:
    """A program that the machine has to have."""
    # Debian keeps servers where only root looks.
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
    assert found, f"This test runs {name}, which is not installed: see CONTRIBUTING.md."
    return Path(found)


def python_with(name: str) -> Path:
    """The interpreter of an environment with the packages of `tests/sdk/python/<name>.lock`."""
    lock = LOCKS / "python" / f"{name}.lock"
    folder = INSTALLED / f"python-{name}"
    with once(folder, lock.read_bytes()) as missing:
        if missing:
            run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            # pip, as in the Makefile, because it is configured for this machine's package index.
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"),
                   "--quiet", "--disable-pip-version-check"]  # fmt: skip
            run([*pip, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                  "-r", str(lock)])  # fmt: skip
            run([*pip, "check"])
    return folder / "bin" / "python"


def node_with(name: str, *, source: Path | None = None) -> Path:
    """The folder whose `node_modules` has the packages locked in `source`, which is
    `tests/sdk/node/<name>` by default."""
    source = source or LOCKS / "node" / name
    folder = INSTALLED / f"node-{name}"
    lock = (source / "package-lock.json").read_bytes() + (source / "package.json").read_bytes()
    with once(folder, lock) as missing:
        if missing:
            folder.mkdir(parents=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(source / file, folder / file)
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
    return folder


@contextmanager
def once(folder: Path, lock: bytes) -> Iterator[bool]:
    """Yields whether the folder must be filled. Holds a file lock, so that one process fills it."""
    digest = hashlib.sha256(lock + sys.version.encode()).hexdigest()
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / f"{folder.name}.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        done = folder / ".filled"
        if done.exists() and done.read_text() == digest:
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        done.write_text(digest)


def run(command: list[str], *, cwd: Path | None = None) -> None:
    env = {**PACKAGE_OPTIONS, **os.environ, "npm_config_update_notifier": "false"}
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}\n{done.stderr}"
