"""The generated documents match the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.generation import State
from app.openapi import document as openapi
from app.settings import Settings, environment_name
from tests.structure import reference
from tests.structure.sources import ROOT, parsed, python, read


@pytest.mark.parametrize(
    ("path", "write"),
    [
        (reference.REFERENCE, reference.reference),
        (reference.ENVIRONMENT, reference.environment),
        (reference.OPENAPI, openapi.written),
    ],
    ids=["reference", "environment", "openapi"],
)
def test_a_generated_document_is_up_to_date(path: Path, write: object) -> None:
    assert callable(write)
    assert read(path) == write(), f"{path} does not match the code: run `make docs`"


def test_every_setting_has_a_group_and_a_description() -> None:
    placed = [name for _, names in reference.sections() for name in names]
    assert sorted(placed) == sorted(Settings.model_fields)
    for name, setting in Settings.model_fields.items():
        described = setting.description or ""
        assert described.endswith((".", "minutes.")), f"{name} needs a sentence"


def test_every_setting_is_in_both_documents() -> None:
    for name in Settings.model_fields:
        assert f"\n#{environment_name(name)}=" in read(reference.ENVIRONMENT), name
        assert f"`{environment_name(name)}`" in read(reference.REFERENCE), name


def test_the_example_environment_changes_nothing(tmp_path: Path) -> None:
    """Every line in it sets the default, so it may be copied, and any line may be uncommented."""
    uncommented = tmp_path / ".env"
    uncommented.write_text("\n".join(
        line.removeprefix("#") if line[1:2].isupper() else line
        for line in read(reference.ENVIRONMENT).splitlines()
    ))  # fmt: skip
    assert Settings(_env_file=ROOT / reference.ENVIRONMENT) == Settings(_env_file=None)
    assert Settings(_env_file=uncommented) == Settings(_env_file=None)


def test_every_command_and_option_has_help() -> None:
    for name, command in reference.commands():
        assert command.help, name
        assert [p.name for p in command.params if not p.help] == [], name


def test_every_state_has_a_description() -> None:
    assert reference.state_prose().keys() == set(State)


def test_error_codes_are_unique() -> None:
    codes = [kind.code for kind in reference.error_family()]
    assert len(codes) == len(set(codes))


def test_every_outcome_is_documented() -> None:
    """The documented codes are exactly those that the program can store."""
    assert set(_outcomes()) == set(reference.OUTCOMES)


def _outcomes() -> Iterator[str]:
    """The string literals used as the error code of a generation: as a keyword argument, or in
    an assignment to `code`."""
    for path in python("app"):
        if path.parts[1] in ("simulator", "errors.py"):
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call):
                yield from _literals(k.value for k in node.keywords if k.arg == "error_code")
                if ast.unparse(node.func).endswith(("Failed", "lifecycle.fail")):
                    yield from _literals(k.value for k in node.keywords if k.arg == "code")
            elif isinstance(node, ast.Assign) and "upstream" in path.parts:
                for target in node.targets:
                    names = [getattr(part, "id", "") for part in getattr(target, "elts", ())]
                    if names[:1] == ["code"]:
                        assert isinstance(node.value, ast.Tuple)
                        yield from _literals(node.value.elts[:1])


def _literals(nodes: Iterator[ast.expr] | list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
