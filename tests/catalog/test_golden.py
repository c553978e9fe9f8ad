"""Every enabled model from each API to the request that goes upstream, one file for each model.

A file has a part for each API, between lines of dashes: the name of the API, the body of a create,
an empty line, and what the upstream is sent. REWRITE_GOLDEN=1 writes the last anew, to be reviewed.
An API that cannot ask for a model has no part.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.api import wire as own
from app.dialects.luma import wire as luma
from app.dialects.onemin import wire as onemin
from app.dialects.openai import wire as openai
from app.dialects.openrouter import wire as openrouter
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.pages import Kind
from app.domain.catalog.spec import Spec
from app.domain.nearest import Aliases
from app.settings.groups import Browsers
from app.upstream.wire import request_body

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.txt"))
DASHES = "\n---\n"
ALIASES = Aliases.parse(Browsers().model_aliases, BUILT_IN)
#: An input, and the path that the upstream gave it.
IMAGE = "0b7c9a51-6d0e-4c38-9f0d-51f1a2f6f0aa"
UPLOADS = {IMAGE: "images/2026_03_30_08_29_05_123_456789.png"}

PARSERS: Mapping[str, Callable[[dict[str, Any]], Spec]] = {
    "onemin": lambda body: onemin.parse(body, BUILT_IN).spec,
    "rest": lambda body: own.parse(body, ALIASES).spec,
    "openai": lambda body: openai.parse(body, aliases=ALIASES, strict=True).spec,
    "luma": lambda body: luma.parse(body, aliases=ALIASES, strict=True).spec,
    "openrouter": lambda body: openrouter.parse(body, aliases=ALIASES).spec,
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_requests_of_every_api_become_the_upstreams(file: Path) -> None:
    made = []
    for part in file.read_text().strip("\n").split(DASHES):
        asked, _, _ = part.partition("\n\n")
        api, _, body = asked.partition("\n")
        spec = PARSERS[api](json.loads(body))
        assert spec.model == file.stem
        model = BUILT_IN.models[spec.model]
        sent = request_body(model, spec, run_async=True, uploads=UPLOADS)
        if api == "onemin":
            # What is documented reaches the upstream as it is.
            native = json.loads(body)
            assert {**native, "async": True} == json.loads(json.dumps(sent).replace(
                UPLOADS[IMAGE], IMAGE
            ))  # fmt: skip
        made.append(f"{asked}\n\n{json.dumps(sent, indent=1, ensure_ascii=False)}")
    text = DASHES.join(made) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(text)
    else:
        assert text == file.read_text()


def test_every_enabled_model_of_at_most_one_image_has_a_file() -> None:
    named = {file.stem for file in FILES}
    several = {
        model.id for model in BUILT_IN.models.values()
        if any(field.kind is Kind.ASSETS for field in model.fields)
    }  # fmt: skip
    assert named <= set(BUILT_IN.enabled)
    assert set(BUILT_IN.enabled) - several <= named


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_has_the_native_api_and_the_own(file: Path) -> None:
    apis = [part.partition("\n")[0] for part in file.read_text().split(DASHES)]
    assert apis[:2] == ["onemin", "rest"]
    assert len(set(apis)) == len(apis) >= 4
