"""The documents have a page for each family."""

from __future__ import annotations

from tests.structure.models_pages import FOLDER, pages


def test_the_pages_of_families_are_up_to_date() -> None:
    """`make docs` writes them."""
    assert {path: path.read_text() for path in FOLDER.iterdir()} == pages()
