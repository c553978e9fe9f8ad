"""Whether two texts are the same prompt, although one of them is an upstream's echo.

An upstream may store a prompt in another Unicode form, escape it for HTML, fold its case and white
space, cut it, or enhance it. Only the last makes it another text, and an enhanced prompt is nobody
else's: so an echo is doubted only where it is the prompt of somebody else.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

#: An echo that is longer is cut here; every prompt that is accepted is shorter.
MAX_ECHO_CHARS = 50_000
#: Prompts whose normal forms begin alike have one `head`. A cut echo is recognised from this length
#: on: fewer characters may be a whole prompt of somebody else's.
HEAD_CHARS = 40
_ESCAPED_TWICE = 2
#: What a cut may leave: dots that stand for the rest, or a part of an HTML entity.
_CUT_MARK = re.compile(r"(\.{2,}|&[#0-9a-z]{0,10})$")


@dataclass(frozen=True, slots=True)
class Marks:
    """Numbers of 64 bits by which a prompt is found: of its first characters, and of all of it."""

    head: int
    digest: int


def normal(text: str) -> str:
    """The normal form: entities replaced, NFKC, case folded, white space single, and without
    characters that only direct how others are shown."""
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
    # The last character may have lost the accent that followed it.
    return len(kept) > HEAD_CHARS and prompt.startswith(kept[:-1])


def is_cut_from_any(echo: str, prompts: Iterable[str]) -> bool:
    """The same for prompts as they were asked."""
    return any(is_cut_from(echo, normal(prompt)) for prompt in prompts)


def _number(text: str) -> int:
    encoded = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), signed=True)
