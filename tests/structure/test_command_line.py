"""`--help` and `--version`, and what they import."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

from app import __version__
from app.openapi import document
from tests.harness.processes import REELGATE
from tests.structure import reference
from tests.structure.sources import read

#: Needed by the command line itself, for commands, help and options.
_OWN = {"typer", "rich", "pydantic", "markdown-it-py"}

#: Prints the help of each command in turn, and which of the given modules it has loaded.
_PROGRAM = """
import sys
from app.cli import main
heavy, commands = (line.split(",") for line in sys.stdin.read().splitlines())
for command in commands:
    sys.argv = ["reelgate", *command.split(), "--help"]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, command
    print(f"loaded by {command!r}:", ",".join(name for name in heavy if name in sys.modules))
"""


def test_help_imports_no_other_library() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    declared = {line.split(">")[0].split("[")[0] for line in project["dependencies"]} - _OWN
    heavy = {
        module
        for module, packages in packages_distributions().items()
        if declared & {package.lower() for package in packages}
    }
    assert {"fastapi", "sqlalchemy", "psycopg", "httpx", "av", "uvicorn"} <= heavy
    commands = ["", *(name.removeprefix("reelgate ") for name, _ in reference.commands())]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], input=f"{','.join(sorted(heavy))}\n{','.join(commands)}",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = [line for line in done.stdout.splitlines() if line.startswith("loaded by ")]
    assert loaded == [f"loaded by {command!r}: " for command in commands]


def test_the_version_is_defined_once() -> None:
    done = subprocess.run([REELGATE, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"reelgate {__version__}\n"
    assert document.combined()["info"]["version"] == __version__
    # Packaging reads it too. An older environment may still have the metadata of an old version.
    settings = tomllib.loads(read("pyproject.toml"))
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "app.__version__"}
    assert f"### {__version__}\n" in read("CHANGELOG.md")
