"""Stands in for `python3 -m venv`, `pip install` and `npm install` of a page: what they name is
taken from the folders that are installed from locks, if it is there in a version that fits.

Run as a program, by the scripts that `write_installers` makes; its first argument is the JSON of a
`Shelf`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True, slots=True)
class Shelf:
    """`python` are environments, `node` are folders with `node_modules`. `npm` is the real one."""

    python: list[str]
    node: list[str]
    npm: str


def write_installers(folder: Path, shelf: Shelf) -> None:
    """`python3`, `npm`, and a `java` that does not run: a page may need no other than the one that
    it installs."""
    folder.mkdir()
    for name in ("python3", "npm"):
        _write_script(folder / name, shelf, name)
    (folder / "java").write_text("#!/bin/sh\necho 'the page installs no Java' >&2\nexit 1\n")
    (folder / "java").chmod(0o755)


def _write_script(path: Path, shelf: Shelf, *words: str) -> None:
    given = " ".join(f"'{word}'" for word in (json.dumps(asdict(shelf)), *words))
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {given} "$@"\n')
    path.chmod(0o755)


def _python3(shelf: Shelf, arguments: list[str]) -> None:
    if arguments[:2] != ["-m", "venv"] or len(arguments) != 3:
        sys.exit(f"python3 is for `python3 -m venv NAME` here, not for {arguments}")
    made = Path(arguments[2])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    _write_script(made / "bin" / "pip", shelf, "pip", str(made.absolute()))


def _pip(shelf: Shelf, arguments: list[str]) -> None:
    made, command, *wanted = arguments
    if command != "install":
        sys.exit(f"pip {command}: only `pip install` is known here")
    needed = [Requirement(each) for each in wanted]
    for environment in map(Path, shelf.python):
        found = {
            canonicalize_name(each.name): each.version
            for each in distributions(path=[str(_packages(environment))])
        }
        if all(
            (version := found.get(canonicalize_name(each.name))) and version in each.specifier
            for each in needed
        ):
            (_packages(Path(made)) / "shelf.pth").write_text(f"{_packages(environment)}\n")
            for program in _programs(environment):
                link = Path(made, "bin", program.name)
                link.unlink(missing_ok=True)
                link.symlink_to(program)
            return
    sys.exit(f"no lock of tests/sdk/python has all of {wanted}, in these versions")


def _packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))


def _programs(environment: Path) -> Iterator[Path]:
    for program in (environment / "bin").iterdir():
        if not program.name.lower().startswith(("python", "pip", "activate")):
            yield program


def _npm(shelf: Shelf, arguments: list[str]) -> None:
    if arguments[0] != "install":
        subprocess.run([shelf.npm, *arguments], check=True, stdout=subprocess.DEVNULL)
        return
    wanted = [each for each in arguments[1:] if not each.startswith("--")]
    for folder in shelf.node:
        modules = Path(folder, "node_modules")
        if all(_has(modules, each) for each in wanted):
            Path("node_modules").unlink(missing_ok=True)
            Path("node_modules").symlink_to(modules)
            return
    sys.exit(f"no lock of tests/sdk/node has all of {wanted}, in these versions")


def _has(modules: Path, wanted: str) -> bool:
    """`wanted` is `name`, or `name@` and the beginning of a version."""
    scope, name = ("@", wanted[1:]) if wanted.startswith("@") else ("", wanted)
    name, _, version = name.partition("@")
    package = modules / f"{scope}{name}" / "package.json"
    if not package.exists():
        return False
    installed = str(json.loads(package.read_text())["version"])
    return not version or f"{installed}.".startswith(f"{version}.")


if __name__ == "__main__":
    programs = {"python3": _python3, "pip": _pip, "npm": _npm}
    programs[sys.argv[2]](Shelf(**json.loads(sys.argv[1])), sys.argv[3:])
