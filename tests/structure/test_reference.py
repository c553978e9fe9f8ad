"""The generated documents match the code."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from app.domain.generation import FailureCode, State
from app.openapi import document as openapi
from app.settings import Settings, environment_name
from tests.structure import reference
from tests.structure.sources import ROOT, read


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


@pytest.mark.parametrize("kind", [State, FailureCode])
def test_every_member_has_a_description(kind: type[StrEnum]) -> None:
    meanings = reference.prose(kind)
    assert meanings.keys() == set(kind)
    assert all(meanings.values())


def test_error_codes_are_unique() -> None:
    codes = [kind.code for kind in reference.error_family()]
    assert len(codes) == len(set(codes))
