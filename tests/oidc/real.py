"""A real issuer, and people with browsers who sign in at it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.harness.processes import Process, ending_processes, until
from tests.harness.toolchains import node_with

SCRIPT = Path(__file__).with_name("provider.mjs")
CLIENT = "reelgate"
SECRET = "a secret of a client, with +%&"


class RealIssuer:
    """It forgets nobody who signed in, as a company's does."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self.process = process

    def change(self, **changes: Any) -> None:
        """`people`: id → claims. `rotated`: it signs with another key from now on."""
        httpx.post(
            f"{self.url}/control", json=changes, trust_env=False, timeout=120
        ).raise_for_status()


@contextlib.contextmanager
def real_issuer(folder: Path) -> Iterator[RealIssuer]:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SCRIPT, folder / SCRIPT.name)
    (folder / "node_modules").symlink_to(node_with("oidc") / "node_modules")
    with ending_processes() as started:
        process = Process(SCRIPT.name, folder=folder, name="issuer", program=["node"], settings={})
        started.append(process)

        def address() -> str:
            assert process.running, process.errors
            return process.printed.partition("\n")[0]

        yield RealIssuer(until(address, "the issuer listens"), process)


def issuers_file(folder: Path, *tables: str) -> Path:
    """A file of settings, which nobody else may write."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "oidc.toml"
    path.write_text("\n".join(tables))
    path.chmod(0o600)
    return path


def issuer_table(url: str, more: str = "", *, id_: str = "real") -> str:
    return f"""
[[issuer]]
id = "{id_}"
name = "The company"
issuer = "{url}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
internal_origins = ["{url}"]
{more}
"""
