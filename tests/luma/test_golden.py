"""Both wires of Luma from end to end, one file for each case, in a folder for each dialect.

A file whose name begins with `error_` is the body of a create, a line of dashes, and the status and
body it is refused with. Any other is a create, dashes, what it becomes (our Spec, and what was
adjusted), dashes, a state in which the generation is looked at (with its error's code and message
where it failed, and its asset's state where it succeeded), dashes, and our reply. REWRITE_GOLDEN=1
writes what the program makes of it anew, to be reviewed.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from app.dialects.luma import wire as dream_machine
from app.dialects.luma_agents import wire as agents
from app.domain.catalog.catalog import BUILT_IN
from app.domain.generation import Generation, State
from app.domain.inputs import InputUse
from app.domain.links import Links
from app.domain.nearest import Aliases
from app.errors import GatewayError
from app.secrets import IMAGE, THUMBNAIL, LinkSigner
from app.settings.groups import Browsers

GOLDEN = Path(__file__).parent / "golden"
WIRES: dict[str, ModuleType] = {"dream_machine": dream_machine, "agents": agents}
FILES = sorted(GOLDEN.glob("*/*.txt"))
ERRORS = [file for file in FILES if file.stem.startswith("error_")]
REPLIES = [file for file in FILES if file not in ERRORS]
DASHES = "\n---\n"

ALIASES = Aliases.parse(Browsers().model_aliases, BUILT_IN)
NOW = datetime(2026, 3, 1, 12, 0, 0, 7_000, tzinfo=UTC)
SIGNER = LinkSigner(b"golden-signing-secret", base_url="https://gateway.example")
#: The first input of a request, and the ones after it.
INPUT_IDS = [UUID(int=number, version=4) for number in range(1, 4)]
IMAGES = {each: SIGNER.link(each, now=NOW, seconds=604_800, ending=IMAGE) for each in INPUT_IDS}


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


@pytest.mark.parametrize("file", REPLIES, ids=_name)
def test_a_request_and_its_reply(file: Path) -> None:
    request, _, state, _ = file.read_text().split(DASHES)
    wire = WIRES[file.parent.name]
    asked = wire.parse(json.loads(request), aliases=ALIASES, strict=_is_strict(file))
    generation = generation_of(asked, *state.split(" ", 2))
    links = None
    if state in ("succeeded", "succeeded archived"):
        links = Links(
            video=SIGNER.link(generation.id, now=NOW, seconds=604_800),
            thumbnail=SIGNER.link(generation.id, now=NOW, seconds=604_800, ending=THUMBNAIL),
        )
    reply = _pretty(wire.render(generation, links, IMAGES))
    said = "\n".join([repr(asked.spec), *asked.adjusted])
    _compare(file, request, said, state, reply)


@pytest.mark.parametrize("file", ERRORS, ids=_name)
def test_a_wrong_body_and_its_refusal(file: Path) -> None:
    body, _, _ = file.read_text().partition(DASHES)
    wire = WIRES[file.parent.name]
    with pytest.raises(GatewayError) as raised:
        wire.parse(json.loads(body), aliases=ALIASES, strict=_is_strict(file))
    status, rendered = wire.render_error(raised.value, "golden-request-id")
    _compare(file, body, f"{status}\n{_pretty(rendered)}")


def test_there_are_golden_files() -> None:
    for dialect in WIRES:
        assert sum(file.parent.name == dialect for file in REPLIES) >= 6
        assert sum(file.parent.name == dialect for file in ERRORS) >= 6


def test_a_callback_is_the_whole_generation() -> None:
    asked = dream_machine.parse(
        {"model": "ray-2", "prompt": "a lion"}, aliases=ALIASES, strict=False
    )
    generation = generation_of(asked, "running")
    called = dream_machine.render_callback(generation, None, IMAGES)
    assert called == dream_machine.render(generation, None, IMAGES)


def _is_strict(file: Path) -> bool:
    return file.stem.endswith("_strict")


def _compare(file: Path, *sections: str) -> None:
    made = DASHES.join(sections) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(made)
    else:
        assert made == file.read_text()


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


def generation_of(asked: Any, state: str, code: str | None = None, message: str = "") -> Generation:
    failed = state in ("failed", "canceled")
    return Generation(
        id=UUID("00000000-0000-4000-8000-0000000000ff"),
        team_id=UUID("00000000-0000-4000-8000-000000000003"),
        member_id=UUID("00000000-0000-4000-8000-000000000002"),
        dialect="luma", feature="TEXT_TO_VIDEO", provider="luma",
        spec=asked.spec, state=State(state), quote=150_000, settled=None, result_paths=(),
        error_code=code if failed else None, error_message=message if failed else None,
        created_at=NOW, submitted_at=None, running_at=None, finished_at=None, asset=None,
        echo={"model": asked.model_name},
        callback_url=getattr(asked, "callback_url", None),
        inputs=tuple(
            InputUse(field=field, input_id=each, sha256="ab" * 32, content_type="image/png",
                     size_bytes=1, width=1, height=1)
            for each, (field, _) in zip(INPUT_IDS, asked.spec.facts.inputs, strict=False)
        ),
    )  # fmt: skip
