"""Pictures of the documents: few, small, each shown somewhere with words for who cannot see it."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from app.http import guides
from tests.structure.documents import documents, prose
from tests.structure.sources import IMAGES, MOST_BYTES, ROOT, images, texts

_SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
MOST_PIXELS = 800


def shown() -> list[tuple[Path, str]]:
    """(file, the words for it), of every document."""
    return [
        ((ROOT / path.parent / file).resolve().relative_to(ROOT), words)
        for path in documents()
        for words, file in _SHOWN.findall(prose(path))
    ]


def test_every_image_is_shown_once_and_every_shown_one_is_there() -> None:
    assert sorted(file for file, _ in shown()) == sorted(images())
    assert 5 <= len(images()) <= 10


def test_each_has_words_of_its_own_for_who_does_not_see_it() -> None:
    words = [words for _, words in shown()]
    assert [one for one in words if len(one.split()) < 5] == []
    assert len(set(words)) == len(words)


def test_they_are_small_and_say_nothing_but_the_picture() -> None:
    for path in images():
        assert (ROOT / path).stat().st_size <= MOST_BYTES, path
        with Image.open(ROOT / path) as picture:
            assert picture.format == "WEBP", path
            assert max(picture.size) <= MOST_PIXELS, path
            # No camera, place, program or time.
            assert not picture.getexif(), path
            assert not {"exif", "xmp"} & picture.info.keys(), path


def test_every_other_file_is_text() -> None:
    found = []
    for path in texts():
        try:
            (ROOT / path).read_text()
        except UnicodeDecodeError:
            found.append(str(path))
    assert found == [], f"images are WebP and belong into {IMAGES}"


def test_guides_of_the_gateway_have_no_pictures() -> None:
    """Whoever reads them there has the pages themselves at hand, and images are not installed."""
    assert "](images/" in (ROOT / "docs/pages.md").read_text()
    assert [name for name, guide in guides.guides().items() if _SHOWN.search(guide.text)] == []
    assert "docs/images\n" in (ROOT / ".dockerignore").read_text()
