"""Files are short, and files and classes have specific names."""

from __future__ import annotations

import ast
import re

from tests.structure.sources import parsed, python, read, sources

MAX_LINES = 400
#: Words that name nothing specific.
VAGUE = frozenset({"utils", "util", "helpers", "helper", "common", "base", "misc", "manager",
                   "service", "handler"})  # fmt: skip


def words(name: str) -> set[str]:
    """`RetryManager` and `retry_manager` are {retry, manager}."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_no_file_is_too_long() -> None:
    long = {str(path): len(read(path).splitlines()) for path in sources()}
    assert {path: lines for path, lines in long.items() if lines > MAX_LINES} == {}


def test_no_file_has_a_vague_name() -> None:
    named = {
        str(path): sorted(words(part) & VAGUE)
        for path in sources()
        for part in (*path.parts[:-1], path.stem)
    }
    assert {path: found for path, found in named.items() if found} == {}


def test_no_class_has_a_vague_name() -> None:
    classes = {
        f"{path}:{node.lineno} {node.name}"
        for path in python("app", "tests", "bench", "migrations")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and words(node.name) & VAGUE
    }
    assert classes == set()


def test_words_are_separated() -> None:
    assert words("HTTPHandler") == {"http", "handler"}
    assert words("retry_manager2") == {"retry", "manager"}
    assert words("database") == {"database"}
