"""Whether two texts are the same prompt, if one of them is the upstream's echo.

The upstream may store a prompt in another Unicode form, escape it for HTML, change its case and
white space, cut it, or enhance it. Only an enhanced prompt is another text, and it is nobody else's
prompt. So an echo is doubted only if it is the prompt of another generation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

#: Longer echoes are cut to this; every accepted prompt is shorter.
MAX_ECHO_CHARS = 50_000
#: Prompts whose normal forms begin alike have the same `head`. From this length on, a cut echo is
#: recognized: a shorter one may be somebody else's whole prompt.
HEAD_CHARS = 40
_ESCAPED_TWICE = 2
#: What a cut may leave: dots, or part of an HTML entity.
_CUT_MARK = re.compile(r"(\.{2,}|&[#0-9a-z]{0,10})$")


@dataclass(frozen=True, slots=True)
class Marks:
    """64-bit numbers that find a prompt: by its first characters, and by all of it."""

    head: int
    digest: int


def normal(text: str) -> str:
    """The normal form: entities replaced, NFKC, case folded, single spaces, and without invisible
    formatting characters."""
    text = text[:MAX_ECHO_CHARS]
    for _ in range(_ESCAPED_TWICE):
        text = html.unescape(text)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def marks_of(normalised: str) -> Marks:
    return Marks(_number(normalised[:HEAD_CHARS]), _number(normalised))


def is_cut_from(echo: str, prompt: str) -> bool:
    """Whether an echo is the beginning of a prompt; both in normal form."""
    kept = _CUT_MARK.sub("", echo).rstrip()
    # The cut may have separated the last character from its accent.
    return len(kept) > HEAD_CHARS and prompt.startswith(kept[:-1])


def is_cut_from_any(echo: str, prompts: Iterable[str]) -> bool:
    """The same, for prompts as they were sent."""
    return any(is_cut_from(echo, normal(prompt)) for prompt in prompts)


def _number(text: str) -> int:
    encoded = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), signed=True)
