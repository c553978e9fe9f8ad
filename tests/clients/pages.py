"""The examples of a page about generated clients: one section for each generator, with the command
that generates and the program that uses what was generated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.structure.sources import ROOT

_SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """Blocks of one language are one text."""

    title: str
    blocks: dict[str, str]


def examples(page: str) -> dict[str, Example]:
    """Heading → its blocks by their language, of a page in docs/clients."""
    text = (ROOT / "docs" / "clients" / page).read_text()
    made: dict[str, Example] = {}
    for found in _SECTION.finditer(text):
        blocks: dict[str, str] = {}
        for block in _FENCE.finditer(found[2]):
            blocks[block[1]] = blocks.get(block[1], "") + block[2]
        made[found[1]] = Example(found[1], blocks)
    return made


def beginning(page: str) -> dict[str, str]:
    """The blocks before the first section, by their language."""
    text = (ROOT / "docs" / "clients" / page).read_text().partition("\n## ")[0]
    return {found[1]: found[2] for found in _FENCE.finditer(text)}


def path_of(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path
