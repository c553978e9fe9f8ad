from __future__ import annotations

import pytest

from app.simulator import caption

FONT = caption.font_of(30)


@pytest.mark.parametrize(
    "text",
    [
        "a majestic lion walking through golden savanna at sunset " * 3,
        "Donaudampfschifffahrtsgesellschaftskapitän" * 4,
        "夕暮れの黄金のサバンナを歩く雄大なライオン" * 4,
    ],
)
def test_lines_fit_and_no_text_is_lost(text: str) -> None:
    lines = caption.wrap(text, FONT, 500, max_lines=50)
    assert len(lines) > 1
    assert all(FONT.getlength(line) <= 500 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_not_split() -> None:
    lines = caption.wrap("one two three four five six seven eight nine ten", FONT, 300, 50)
    assert " ".join(lines) == "one two three four five six seven eight nine ten"


def test_excess_text_becomes_an_ellipsis() -> None:
    lines = caption.wrap("lion " * 5_000, FONT, 400)
    assert len(lines) == caption.MAX_LINES
    assert lines[-1].endswith("…")
    assert FONT.getlength(lines[-1]) <= 400


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t", "\x00\x1b[31m", "\ud83e", "🦁🐟 e\u0301 \u202eabc"]
)
def test_any_text_can_be_drawn(text: str) -> None:
    drawn = caption.draw(text, "label", 720, 720)
    assert drawn.panel.size == drawn.letters.size
    assert drawn.panel.width <= 720
    assert drawn.letters.getbbox() is not None  # at least the label


def test_control_characters_become_spaces() -> None:
    assert caption.drawable("a\n\nlion\x00at\tsunset\ud800") == "a lion at sunset"
