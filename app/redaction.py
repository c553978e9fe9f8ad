"""What may be written for people to read: no secret, and nothing that a terminal obeys. Pure.

What is hidden goes by its form, and the words around it stay: a line says which secret stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "[hidden]"
#: Shorter ones stand in ordinary text by chance.
_MIN_SECRET = 8
#: Of a value in a query, also where the whole query is percent-encoded once more.
_VALUE = r"(?:(?!%26|%20|%22)[\w.~%+/:=*!-])+"
#: What a text has in lower case where one of the forms is in it, and the forms. Each form leaves
#: what its first group matches. Every log line is looked through, and hostile ones are long: hence
#: the words before the forms, and a bound wherever a form could begin anywhere in a long text.
_FORMS = tuple(
    (hints, re.compile(pattern, re.IGNORECASE | re.ASCII))
    for hints, pattern in (
        # Presigned addresses of object stores.
        (("x-amz-", "x-goog-"), rf"(X-(?:Amz|Goog)-[\w-]{{1,40}}(?:=|%3D)){_VALUE}"),
        # Signed links of ours and of others, and tokens of streams.
        (("sig", "token"), rf"((?:[?&]|%3F|%26)(?:sig|signature|token)(?:=|%3D)){_VALUE}"),
        # Keys of ours, and secrets of webhook endpoints.
        (("rg_",), r"((?<![A-Z0-9]))rg_[\w-]{16,}"),
        (("whsec_",), r"((?<![A-Z0-9]))whsec_[\w+/=-]{16,}"),
        # An address with a password; the last @ ends it.
        (("://",), r"(://)[^/\s\"'@:]{0,200}:[^/\s\"']{0,400}(?=@)"),
        (("password=",), r"(\bpassword=[\"']?)(?!\[hidden\])[^\s&\"']+"),
        # A header. `<key>` and the like are words about one.
        (
            ("authorization",),
            r"(\bAuthorization[\"']?\s?[:=]\s?[b\"'`]{0,3}(?:Bearer|Basic)\s)"
            r"(?!\[hidden\])[^\s\"'`,;<>]+",
        ),
    )
)
#: Where prose and secrets look alike, what follows is hidden if it is no word.
_MAYBE_HINTS = ("bearer", "key")
#: What no secret is without, unless it is a known one.
_ANY_HINT = re.compile(
    "|".join(
        re.escape(hint) for hints in (*(each for each, _ in _FORMS), _MAYBE_HINTS) for hint in hints
    )
)
_MAYBE = re.compile(
    r"(\bBearer\s|\bAPI[-_]?KEY[\"']?\s?[:=]\s?[b\"'`]{0,3})([\w.~+/=-]{8,})",
    re.IGNORECASE | re.ASCII,
)
_WORD = re.compile(r"[A-Za-z]?[a-z]*(?:[-_ ][a-z]+)*[.:]?|[A-Z]+(?:[-_][A-Z]+)*")
#: Deeper values are no part of a log event.
_MAX_DEPTH = 8


class Redactor:
    """Removes known and recognisable secrets from every string of a log event. A known secret that
    is a single word hides nothing: it would be read out of every sentence it is missing from."""

    def __init__(self, secrets: Iterable[str]) -> None:
        kept = {s for s in secrets if len(s) >= _MIN_SECRET and not _is_word(s)}
        self._known = sorted(kept, key=len, reverse=True)

    def clean(self, value: Any, *, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self.clean_text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth < _MAX_DEPTH and isinstance(value, dict):
            return {
                self.clean_text(_text(name)): self.clean(item, depth=depth + 1)
                for name, item in value.items()
            }
        if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
            return [self.clean(item, depth=depth + 1) for item in value]
        if isinstance(value, BaseException):
            return self.clean_text(f"{type(value).__name__}: {_text(value)}")
        # Whatever else it is, it would be written as text.
        return self.clean_text(_text(value))

    def clean_text(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        lowered = text.lower()
        if _ANY_HINT.search(lowered) is None:
            return text
        for hints, form in _FORMS:
            if any(hint in lowered for hint in hints):
                text = form.sub(rf"\1{HIDDEN}", text)
        if any(hint in lowered for hint in _MAYBE_HINTS):
            text = _MAYBE.sub(_unless_a_word, text)
        return text


def _is_word(secret: str) -> bool:
    return secret.isascii() and secret.isalpha() and secret.islower() and len(secret) < 16


def _unless_a_word(found: re.Match[str]) -> str:
    return found[0] if _WORD.fullmatch(found[2]) else found[1] + HIDDEN


def _text(value: object) -> str:
    """A line that cannot be written would be lost, and with it why it was to be."""
    try:
        return str(value)
    except Exception as error:
        return f"({type(value).__name__}, unreadable: {type(error).__name__})"


def printable(text: str) -> str:
    """With every character that is no visible one as its escape: control characters, sequences of
    them that a terminal obeys, line breaks, marks that turn the direction of reading."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_value(value: Any) -> Any:
    """Strings only: others are written in the form of Python, which escapes them itself."""
    return printable(value) if isinstance(value, str) else value


def printable_lines(text: str) -> str:
    """Of a traceback. Each line is indented, so that a message in it cannot pass for a line of the
    log."""
    return "\n".join(f"    {printable(line.expandtabs())}" for line in text.split("\n"))
