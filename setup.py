"""What `pyproject.toml` cannot say: no package without the pages, and the migrations are in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent
BUILT = HERE / "app" / "web" / "dist" / "index.html"


def require_pages() -> None:
    if not BUILT.is_file():
        raise SystemExit(
            "A package carries the built pages, and there are none: `make pages` first."
        )


class BuildPy(build_py):
    def run(self) -> None:
        # Installed in place, it finds the pages once they are built, and the migrations beside it.
        if self.editable_mode:
            super().run()
            return
        require_pages()
        super().run()
        shutil.copytree(
            HERE / "migrations", Path(self.build_lib) / "app" / "migrations",
            ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True,
        )  # fmt: skip


class Sdist(sdist):
    def run(self) -> None:
        require_pages()
        super().run()


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
