"""The processes that people's browsers meet in these tests are those of the package."""

from __future__ import annotations

import re
import zipfile

from app.web import built
from tests.harness.wheel import Installed
from tests.promises.site import Site
from tests.structure.sources import ROOT

PAGES = "app/web/dist/"


def test_what_runs_is_the_package_and_serves_its_own_pages(place: Site, package: Installed) -> None:
    # Python itself says of each module where it comes from.
    api = place.start_api(PYTHONVERBOSE="1").ready()
    modules = set(re.findall(r"matches (/\S+\.py)$", api.errors, re.MULTILINE))
    assert {f"{package.packages}/app/{name}" for name in ("__init__.py", "web/built.py")} <= modules
    folders = tuple(f"{ROOT}/{name}/" for name in ("app", "bench", "migrations", "tests", "web"))
    assert [module for module in modules if module.startswith(folders)] == []
    with zipfile.ZipFile(package.wheel) as wheel:
        pages = [
            name for name in wheel.namelist()
            if name.startswith(f"{PAGES}assets/") and not name.endswith((".br", ".gz"))
        ]  # fmt: skip
        assert len(pages) == len([name for name in built.load(built.FOLDER) if "assets/" in name])
        for name in pages:
            served = api.http.get(f"/app/{name.removeprefix(PAGES)}")
            assert served.content == wheel.read(name), name
