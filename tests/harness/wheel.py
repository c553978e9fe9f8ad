"""The gateway as people install it: a wheel of the sources, in an environment of its own.

Both are below `.toolchains/`, and are made again when what is packaged has changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.harness.toolchains import INSTALLED, once, run
from tests.structure.sources import ROOT

#: What a package is made of.
_PACKAGED = (
    "LICENSE", "MANIFEST.in", "README.md", "app", "migrations", "pyproject.toml", "setup.py",
)  # fmt: skip
_LEFT_OUT = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True, slots=True)
class Installed:
    """`packages` is the folder that has `app`."""

    wheel: Path
    python: Path
    reelgate: Path
    packages: Path


def installed() -> Installed:
    """Everything but the gateway itself is that of this environment: its dependencies are locked,
    and installing them again would show nothing."""
    folder = INSTALLED / "wheel"
    environment = folder / "environment"
    python = environment / "bin" / "python"
    with once(folder, _digest()) as missing:
        if missing:
            copy_sources(folder / "sources")
            done = build(folder / "sources", "wheel", folder)
            assert done.returncode == 0, done.stderr
            shutil.rmtree(folder / "sources")
            run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
            run([sys.executable, "-m", "pip", "--python", str(python), "--quiet",
                 "--disable-pip-version-check", "install", "--no-deps", "--no-index",
                 str(_wheel(folder))])  # fmt: skip
            # A line like this adds a folder and nothing else: what is installed in place there,
            # such as the checkout, stays out.
            shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
            (_packages(environment) / "shared.pth").write_text("\n".join(sorted(shared)))
    return Installed(
        _wheel(folder), python, environment / "bin" / "reelgate", _packages(environment)
    )


def copy_sources(folder: Path) -> None:
    """What a package is made of, with the built pages if they are there."""
    folder.mkdir(parents=True)
    for name in _PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
        else:
            shutil.copy(ROOT / name, folder / name)


def build(sources: Path, kind: str, out: Path) -> subprocess.CompletedProcess[str]:
    """`kind`: wheel or sdist."""
    script = f"from setuptools.build_meta import build_{kind} as build; build({str(out)!r})"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=sources, capture_output=True, text=True, check=False
    )


def _wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def _packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def _digest() -> bytes:
    whole = hashlib.sha256()
    for path in sorted(_files()):
        whole.update(f"{path.relative_to(ROOT)}\n".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.digest()


def _files() -> Iterator[Path]:
    for name in _PACKAGED:
        found = (ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)
