"""OpenRouter's wire from end to end, one file for each case.

A file whose name begins with `error_` is the body of a create, a line of dashes, and the status and
body it is refused with. Any other is a create, dashes, what it becomes (our Spec, and the tags),
dashes, a state in which the video is looked at (with its error's code and message where it failed,
and its asset's state where it succeeded), dashes, our reply, dashes, and the callback that its end
is told with. REWRITE_GOLDEN=1 writes what the program makes of it anew, to be reviewed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.dialects.openrouter import wire
from app.domain.assets import AssetState
from app.domain.catalog.catalog import BUILT_IN
from app.domain.generation import FINAL, Generation, State
from app.domain.links import Links
from app.domain.nearest import Aliases
from app.errors import GatewayError
from app.secrets import THUMBNAIL, LinkSigner
from app.settings.groups import Browsers
from tests.openai.generations import ARCHIVED, NOW, generation

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.txt"))
ERRORS = [file for file in FILES if file.stem.startswith("error_")]
REPLIES = [file for file in FILES if file not in ERRORS]
DASHES = "\n---\n"
ALIASES = Aliases.parse(Browsers().model_aliases, BUILT_IN)
SIGNER = LinkSigner(b"golden-signing-secret", base_url="https://gateway.example")
POLLING_URL = "https://gateway.example/openrouter/api/v1/videos/ID"


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: file.stem)
def test_a_request_and_its_reply(file: Path) -> None:
    request, _, state, *_ = [part.strip("\n") for part in file.read_text().split(DASHES)]
    asked = wire.parse(json.loads(request), aliases=ALIASES)
    made = _in(state, asked)
    links = None
    if made.asset is not None and made.asset.state is AssetState.ARCHIVED:
        links = Links(
            video=SIGNER.link(made.id, now=NOW, seconds=604_800),
            thumbnail=SIGNER.link(made.id, now=NOW, seconds=604_800, ending=THUMBNAIL),
        )
    cost = Decimal("0.15") if "cost" in file.stem else None
    sections = [
        request,
        "\n".join([repr(asked.spec), _pretty(dict(asked.metadata)), repr(asked.end_user)]),
        state,
        _pretty(wire.render(made, links, polling_url=POLLING_URL, cost=cost)),
    ]
    if made.state in FINAL:
        sections.append(_pretty(wire.render_event(made, NOW, links, cost=cost)))
    _compare(file, *sections)


@pytest.mark.parametrize("file", ERRORS, ids=lambda file: file.stem)
def test_a_wrong_body_and_its_refusal(file: Path) -> None:
    body = file.read_text().split(DASHES)[0].strip("\n")
    with pytest.raises(GatewayError) as raised:
        wire.parse(json.loads(body), aliases=ALIASES)
    status, rendered = wire.render_error(raised.value, "golden-request-id")
    _compare(file, body, f"{status}\n{_pretty(rendered)}")


def test_there_are_golden_files() -> None:
    assert (len(REPLIES), len(ERRORS)) >= (8, 6)


def _in(state: str, asked: wire.VideoRequest) -> Generation:
    """`failed CODE MESSAGE`, `succeeded ASSET_STATE`, or a state alone."""
    name, _, rest = state.partition(" ")
    made = generation(spec=asked.spec, echo={"model": asked.model_name}, state=State(name))
    if name == "failed":
        code, _, message = rest.partition(" ")
        made = replace(made, error_code=code, error_message=message or None, settled=0)
    if name == "succeeded":
        asset = replace(ARCHIVED, state=AssetState(rest))
        made = replace(made, settled=150_000, asset=asset)
    return made


def _compare(file: Path, *sections: str) -> None:
    made = DASHES.join(sections) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        file.write_text(made)
    else:
        assert made == file.read_text()


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)
