from __future__ import annotations

import pytest

from tests.documents.answers import differences

ID = "18c9b579-e114-4184-9746-52a635d00566"
OTHER = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("language", "shown", "real"),
    [
        ("text", "", ""),
        ("text", f"made {ID}\n", f"made {OTHER}\n"),
        ("text", "a\n…\nz\n", "a\nb\nc\nz\n"),
        ("text", "a\n…\nz\n", "a\nz\n"),
        ("text", "a\n…\n", "a\nb\nc\n"),
        ("text", "who    key\nada    rg_…\n", "who  key  \nada  rg_x \n"),
        ("text", "http://x/media/a.mp4?…\n", "http://x/media/a.mp4?expires=1&sig=2\n"),
        ("json", '{"id": "18c9b579e1144184974652a6"}', '{"id": "28c9b579e1144184974652a6"}'),
        ("json", '{"at": "2026-11-22T21:00:00Z"}', '{"at": "2027-01-02T03:04:05.123456Z"}'),
        ("json", '{"created": 1795381200, "…": "…"}', '{"created": 1800000000, "more": null}'),
        ("json", '[1, "…"]', "[1, 2, 3]"),
        ("json", f'["{ID}", "/{ID}.mp4"]', f'["{OTHER}", "/{OTHER}.mp4"]'),
    ],
)
def test_the_same(language: str, shown: str, real: str) -> None:
    assert differences(language, shown, real) == []


@pytest.mark.parametrize(
    ("language", "shown", "real", "named"),
    [
        ("text", "true\n", "false\n", "true"),
        ("text", f"made {ID}\n", "made nothing\n", "made nothing"),
        ("text", "a\n", "a\nb\n", "b"),
        ("text", "a.c\n", "abc\n", "abc"),
        ("json", '{"a": 1}', '{"b": 1, "a": 1}', "answer.b is not shown"),
        ("json", '{"a": 1, "…": "…"}', "{}", "answer.a is not there"),
        ("json", '{"a": {"b": 1}}', '{"a": {"b": "1"}}', "answer.a.b is '1', shown is 1"),
        ("json", '{"a": false}', '{"a": 0}', "answer.a is 0, shown is False"),
        ("json", '{"a": 5}', '{"a": 6}', "answer.a is 6"),
        ("json", "[1]", "[1, 2]", "answer has 2 items"),
        ("json", f'["{ID}"]', '["x"]', "answer[0] is 'x'"),
        ("json", f'["{ID}", "/{ID}.mp4"]', f'["{OTHER}", "/{ID}.mp4"]', "answer[1] is"),
        ("text", f"{ID}\n{ID}\n", f"{ID}\n{OTHER}\n", OTHER),
        ("json", "{}", "<html>", "no JSON"),
    ],
)
def test_different(language: str, shown: str, real: str, named: str) -> None:
    assert named in "\n".join(differences(language, shown, real))
