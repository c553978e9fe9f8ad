"""Suggests the path that a caller probably meant, if nothing is at the one that was sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from app.domain.text import shown

_MOST_SUGGESTIONS = 3
#: Longer paths are not typing mistakes, and comparing takes time.
_LONGEST_PATH = 200


def missing(path: str, known: Iterable[str]) -> str:
    """The sentence for a path with nothing at it. `known` are templates such as `/videos/{id}`."""
    sentence = f"There is nothing at {shown(path)}."
    meant = _meant(path, list(known))
    if not meant:
        return sentence
    return f"{sentence} Did you mean {' or '.join(meant)}?"


def _meant(path: str, known: list[str]) -> list[str]:
    if len(path) > _LONGEST_PATH:
        return []
    parts = [part for part in path.split("/") if part]
    found: list[str] = []
    # First without extra slashes, then without a repeated prefix.
    # More parts than any template has match none.
    longest = max((one.count("/") for one in known), default=0)
    for start in range(max(len(parts) - longest, 0), len(parts)):
        own = parts[start:]
        found = [_filled(one, own) for one in known if _ends_with(one, own)]
        if found:
            break
    if not found:
        cleaned = "/" + "/".join(parts)
        found = get_close_matches(cleaned, known, n=_MOST_SUGGESTIONS, cutoff=0.8)
    return list(dict.fromkeys(found))[:_MOST_SUGGESTIONS]


def _ends_with(template: str, own: list[str]) -> bool:
    """Whether the template ends with the caller's path, with ids in place of its parameters. The
    first part must be a word of the template, or any id would match."""
    words = template.strip("/").split("/")[-len(own) :]
    return (
        len(words) == len(own)
        and words[0] == own[0]
        and all(_is_parameter(word) or word == part for word, part in zip(words, own, strict=True))
    )


def _filled(template: str, own: list[str]) -> str:
    before = template.strip("/").split("/")[: -len(own)]
    return "/" + "/".join([*before, *map(str, map(shown, own))])


def _is_parameter(word: str) -> bool:
    return word.startswith("{")
