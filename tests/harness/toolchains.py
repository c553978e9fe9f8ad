"""Programs that tests run beside the gateway: other people's SDKs and generators, each in a folder
of its own, installed once from a lock.

`tests/sdk/python/<name>.lock` and `tests/sdk/node/<name>/package-lock.json` say what goes in. What
is installed lies in `.toolchains/`, which is not part of the repository, and is made again when the
lock changes.
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

#: An index that says nothing for a minute ends no installation. What the machine says counts more.
PATIENT = {
    "PIP_DEFAULT_TIMEOUT": "120",
    "PIP_RETRIES": "10",
    "npm_config_fetch_retries": "5",
}
LOCKS = ROOT / "tests" / "sdk"
INSTALLED = ROOT / ".toolchains"


def python_with(name: str) -> Path:
    """The interpreter of an environment that holds what `tests/sdk/python/<name>.lock` lists."""
    lock = LOCKS / "python" / f"{name}.lock"
    folder = INSTALLED / f"python-{name}"
    with _once(folder, lock.read_bytes()) as missing:
        if missing:
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            # pip, as in the Makefile: it knows how this machine reaches its packages.
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"),
                   "--quiet", "--disable-pip-version-check"]  # fmt: skip
            _run([*pip, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:",
                  "-r", str(lock)])  # fmt: skip
            _run([*pip, "check"])
    return folder / "bin" / "python"


def node_with(name: str) -> Path:
    """The folder whose `node_modules` is what `tests/sdk/node/<name>` locks."""
    source = LOCKS / "node" / name
    folder = INSTALLED / f"node-{name}"
    told = (source / "package-lock.json").read_bytes() + (source / "package.json").read_bytes()
    with _once(folder, told) as missing:
        if missing:
            folder.mkdir(parents=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(source / file, folder / file)
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
    return folder


@contextmanager
def _once(folder: Path, told: bytes) -> Iterator[bool]:
    """Whether the folder has still to be filled; one process at a time decides and fills it."""
    mark = hashlib.sha256(told + sys.version.encode()).hexdigest()
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = folder / ".filled"
        if done.exists() and done.read_text() == mark:
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        done.write_text(mark)


def _run(command: list[str], *, cwd: Path | None = None) -> None:
    quiet = {**PATIENT, **os.environ, "npm_config_update_notifier": "false"}
    done = subprocess.run(
        command, cwd=cwd, env=quiet, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}\n{done.stderr}"
