"""One word for each thing: the private words that the field's terms replaced do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from tests.structure.sources import parsed, read, tracked

#: Private word → the word to use. Refused everywhere: in names of files, in code and SQL, settings,
#: metrics, log events, comments, docstrings and documents. `put_off` and `PutOff` are "put off".
RETIRED = {
    "begin trial": "half open",
    "books": "ledger",
    "canned": "error body",
    "complaint": "reported error",
    "custody": "deletion",
    "hasten": "run now",
    "headroom": "limits",
    "ink": "sprite",
    "inventory": "verify",
    "lease probes": "due probes",
    "open limit": "max open",
    "patience": "waiting",
    "pulse": "calls in flight",
    "put off": "postpone",
    "reckoned": "computed",
    "reel": "render",
    "reels": "renders",
    "resting": "closed",
    "sdk refusals": "nothing: a refused attempt stores nothing",
    "snapping": "unoffered values",
    "standing": "queue position, or endpoint summary",
    "standings": "summaries",
    "tellings": "payloads",
    "webhook tried": "webhook attempted",
}
#: Refused in names of files and code only; in prose they are ordinary English. Single words.
RETIRED_NAMES = {
    "adopt": "enqueue missing",
    "adopted": "enqueue missing",
    "asked": "request, or look-up",
    "fate": "fault effect",
    "rested": "closed",
    "strike": "disruption",
    "studio": "simulator",
    "telling": "payload",
    "told": "payload, or delivered",
    "tries": "attempts",
}
_FOLDERS = ("app", "bench", "docs", "migrations")
_SUFFIXES = frozenset({".md", ".py", ".sql", ".toml", ".yml"})


def words(text: str) -> str:
    """Its words in lower case, split at underscores and capitals, with a space around each."""
    return f" {' '.join(re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+', text)).lower()} "


def names(path: Path) -> Iterable[str]:
    """The path and, of Python code, every name in it."""
    yield str(path.with_suffix(""))
    if path.suffix == ".py":
        for node in ast.walk(parsed(path)):
            for field in ("id", "attr", "arg", "name"):
                if isinstance(name := getattr(node, field, None), str):
                    yield name


def retired(texts: Iterable[str], table: dict[str, str]) -> list[str]:
    """`put off: use "postpone"` for each retired word in the texts."""
    searched = words("\n".join(texts))
    return [f'{word}: use "{use}"' for word, use in table.items() if f" {word} " in searched]


def test_no_retired_word_comes_back() -> None:
    found = {
        str(path): hits
        for path in tracked()
        if path.suffix in _SUFFIXES and (path.parts[0] in _FOLDERS or len(path.parts) == 1)
        if (hits := retired([str(path), read(path)], RETIRED) + retired(names(path), RETIRED_NAMES))
    }
    assert found == {}


def test_the_check_sees_names_and_prose() -> None:
    table = {"put off": "postpone", "reel": "render"}
    for text in ("def put_off():", "it is put\n# off.", "class PutOff:", "# a reel", "REEL_NAME"):
        assert retired([text], table) != [], text
    for text in ("putting off", "reelgate", "put it off", "unreel"):
        assert retired([text], table) == [], text
