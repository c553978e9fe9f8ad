"""The blocks of a Markdown page, and what each of them is to its reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tests.structure.sources import read

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
#: The line above a block that is a file: it ends with the file's name, and with a colon.
_FILE = re.compile(r"`([\w./-]+\.\w+)`:\n\n?\Z")
#: What a command prints.
_ANSWERS = frozenset({"json", "text", "csv"})


@dataclass(frozen=True, slots=True)
class Block:
    """`file` is the name under which the reader saves it, or "". `answer` is what the page shows
    below a block of commands, with its language."""

    page: Path
    line: int
    language: str
    text: str
    file: str
    answer: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Its first line that is more than a bracket."""
        lines = [line.strip() for line in self.text.splitlines()]
        return next((line for line in lines if len(line) > 1), "")

    @property
    def commands(self) -> bool:
        return self.language == "sh" and not self.file

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """In their order. An answer belongs to the commands right above it, and is no block."""
    text = read(page)
    found: list[Block] = []
    for each in _BLOCK.finditer(text):
        before = text[: each.start()]
        name = _FILE.search(before)
        block = Block(page, before.count("\n") + 1, each[2], each[3], name[1] if name else "")
        above = found[-1] if found else None
        if above and above.commands and _answers(text, above, block):
            found[-1] = replace(above, answer=(block.language, block.text))
        else:
            found.append(block)
    return found


def _answers(text: str, commands: Block, block: Block) -> bool:
    """Whether the block is the first below the commands, with at most a line of words between."""
    if commands.answer is not None or block.language not in _ANSWERS or block.file:
        return False
    end = commands.line + commands.text.count("\n") + 1
    return sum(map(bool, map(str.strip, text.splitlines()[end : block.line - 1]))) <= 1
