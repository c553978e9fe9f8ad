"""The rooms of `app/`, the modules at its root, and a layer for every module."""

from __future__ import annotations

import tomllib
from pathlib import PurePath

from tests.structure.sources import python, read

#: Rooms are nouns: a newcomer who hears "webhooks are retried too often" opens `webhooks/`.
ROOMS = {
    "api", "billing", "cli", "db", "dialects", "domain", "generations", "http", "inputs", "live",
    "members", "oidc", "openapi", "operators", "settings", "simulator", "upstream", "videos", "web",
    "webhooks", "worker",
}  # fmt: skip
#: Modules that no room owns, because they compose the rooms or are used by all of them.
ROOT = {
    "__init__", "embedded", "errors", "fetch", "http_client", "jobs", "listener", "liveness",
    "lean", "loop", "main", "processes", "redaction", "runtime", "secrets", "telemetry",
}  # fmt: skip


def _modules() -> list[PurePath]:
    return [path.with_suffix("") for path in python("app")]


def _layers() -> list[str]:
    """The modules and packages that the import contract names."""
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [module.strip() for layer in layers for module in layer.split("|")]


def test_the_rooms_are_as_listed() -> None:
    assert {path.parts[1] for path in _modules() if len(path.parts) > 2} == ROOMS
    assert {path.parts[1] for path in _modules() if len(path.parts) == 2} == ROOT


def test_every_module_has_one_layer_in_the_import_contract() -> None:
    places = _layers()
    misplaced = {}
    for path in _modules():
        if path.name == "__init__":
            continue
        name = ".".join(path.parts)
        own = [place for place in places if name == place or name.startswith(f"{place}.")]
        if len(own) != 1:
            misplaced[name] = own
    assert misplaced == {}
    assert len(set(places)) == len(places)
