"""What a search in prompts looks for. Pure."""

from __future__ import annotations

from app.domain.text import is_storable, shown
from app.errors import InvalidRequest, Issue

MAX_CHARS = 200
#: Postgres keeps the last 32 patterns compiled.
MAX_WORDS = 10


def patterns_of(query: str, path: str) -> tuple[str, ...]:
    """A regular expression of Postgres for each word: a prompt that matches all of them has all
    words, in any order, alone or within longer ones. Raises `InvalidRequest`."""
    words = query.split()
    message = None
    if not words:
        message = "must have a word"
    elif len(query) > MAX_CHARS:
        message = f"must be at most {MAX_CHARS} characters long, this is {len(query)}"
    elif len(words) > MAX_WORDS:
        message = f"must have at most {MAX_WORDS} words, this has {len(words)}"
    elif not is_storable(query):
        message = "must not contain NUL or unpaired surrogate characters"
    if message is not None:
        raise InvalidRequest(
            f"{path} {message}.", issues=[Issue(path, "value", message, shown(query))]
        )
    return tuple("".join(map(_either_case, word)) for word in dict.fromkeys(words))


def _either_case(char: str) -> str:
    """Both cases are written out: in a database of the locale C, Postgres knows only those of
    ASCII."""
    cases = {form for form in (char, char.lower(), char.upper()) if len(form) == 1}
    if len(cases) > 1:
        return f"[{''.join(sorted(cases))}]"
    return char if char.isalnum() or not char.isascii() else f"\\{char}"
