"""Every row of the upstream's error table and every shape of its success, one file each.

A file is a request line (`POST status` or `GET id status`), headers, an empty line, the body, a
line of dashes and the answer it is read as. REWRITE_GOLDEN=1 writes the answers anew, to be
reviewed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.catalog.catalog import BUILT_IN
from app.upstream.answers import ResultAnswer, SubmitAnswer, Succeeded
from app.upstream.errors import words_of_options
from app.upstream.wire import explained, read_result, read_submission

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
DASHES = "\n---\n"
OPTIONS = words_of_options(BUILT_IN)


def _answer(request: str) -> SubmitAnswer | ResultAnswer:
    head, _, body = request.partition("\n\n")
    first, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    method, *ids, status = first.split()
    if method == "POST":
        return explained(read_submission(int(status), headers, body.encode()), OPTIONS)
    return explained(read_result(int(status), headers, body.encode(), expected_id=ids[0]), OPTIONS)


def _rendered(answer: SubmitAnswer | ResultAnswer) -> str:
    link = f"\nlink={answer.link!r}" if isinstance(answer, Succeeded) else ""
    return f"{answer!r}{link}\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden(file: Path) -> None:
    text = file.read_text()
    request, _, expected = text.rpartition(DASHES)
    actual = _rendered(_answer(request))
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(request + DASHES + actual)
    else:
        assert actual == expected


def test_there_are_golden_files() -> None:
    assert len(FILES) > 60
