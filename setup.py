"""What `pyproject.toml` cannot say: no package without the pages."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

BUILT = Path(__file__).parent / "app" / "web" / "dist" / "index.html"


def require_pages() -> None:
    if not BUILT.is_file():
        raise SystemExit(
            "A package carries the built pages, and there are none: `make pages` first."
        )


class BuildPy(build_py):
    def run(self) -> None:
        # Installed in place, it finds them once they are built.
        if not self.editable_mode:
            require_pages()
        super().run()


class Sdist(sdist):
    def run(self) -> None:
        require_pages()
        super().run()


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
