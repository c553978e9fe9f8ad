"""When two texts are one prompt, and when they are not."""

from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.prompts import HEAD_CHARS, MAX_ECHO_CHARS, is_cut_from, marks_of, normal

PROMPT = "Ein Café im Regen & „Neon“ <Licht>, 5 < 6, ﬁlmed at dawn by a naïve painter; Ångström’s"


@pytest.mark.parametrize(
    "echo",
    [
        PROMPT,
        unicodedata.normalize("NFD", PROMPT),
        unicodedata.normalize("NFKD", PROMPT),
        html.escape(PROMPT),
        html.escape(html.escape(PROMPT)),
        PROMPT.upper(),
        PROMPT.lower(),
        f"  {PROMPT.replace(' ', chr(10))}\t",
        PROMPT.replace(" ", "\u00a0"),
        "\ufeff" + PROMPT.replace("Regen", "Re\u00adgen"),
        html.escape(unicodedata.normalize("NFD", PROMPT)).upper().replace("&AMP;", "&amp;"),
    ],
)
def test_what_an_upstream_may_do_to_a_prompt_leaves_it_the_same(echo: str) -> None:
    assert normal(echo) == normal(PROMPT)
    assert marks_of(normal(echo)) == marks_of(normal(PROMPT))


@pytest.mark.parametrize(
    "other", ["", "Ein Café im Regen", PROMPT + ".", PROMPT.replace("5", "6"), "Ein Cafe im Regen"]
)
def test_another_text_is_another(other: str) -> None:
    assert normal(other) != normal(PROMPT)
    assert marks_of(normal(other)).digest != marks_of(normal(PROMPT)).digest


@given(st.text(min_size=HEAD_CHARS + 10, max_size=400), st.data())
def test_a_cut_echo_is_recognised_in_any_form(prompt: str, data: st.DataObject) -> None:
    whole = normal(prompt)
    if len(whole) <= HEAD_CHARS + 2:
        return
    at = data.draw(st.integers(HEAD_CHARS + 2, len(whole)))
    kept = whole[:at]
    for echo in (kept, kept + "…", kept + " ...", unicodedata.normalize("NFD", kept)):
        assert is_cut_from(normal(echo), whole) or not kept.rstrip(" .").endswith(kept[-1])


@pytest.mark.parametrize("at", [60, 70, 77, 80, 83, 85, 86])
def test_a_cut_through_an_entity_or_an_accent_is_a_cut(at: int) -> None:
    for form in (html.escape(PROMPT), unicodedata.normalize("NFD", PROMPT)):
        assert is_cut_from(normal(form[:at]), normal(PROMPT))


def test_few_characters_are_no_cut_but_a_prompt_of_their_own() -> None:
    assert not is_cut_from(normal("Ein Café im Regen"), normal(PROMPT))
    assert not is_cut_from("", normal(PROMPT))
    assert not is_cut_from(normal(PROMPT + " and more"), normal(PROMPT))


@given(st.text(max_size=300))
def test_a_normal_form_is_normal_and_its_marks_fit_a_bigint(text: str) -> None:
    form = normal(text)
    marks = marks_of(form)
    for number in (marks.head, marks.digest):
        assert -(2**63) <= number < 2**63
    assert form == form.strip()
    assert "  " not in form


def test_an_echo_without_end_is_cut_and_surrogates_are_text() -> None:
    assert len(normal("a" * (MAX_ECHO_CHARS + 1))) == MAX_ECHO_CHARS
    assert marks_of(normal("\ud800 x")).head
