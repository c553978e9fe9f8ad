"""The first start: a team, an administrator and a key, shown once."""

from __future__ import annotations

import json
from contextlib import suppress

from app.db import api_keys, sessions
from app.db import members as rows
from app.domain.authority import Actor
from app.domain.caller import Role
from app.domain.limits import Limits
from app.errors import InvalidRequest
from app.members import keys, members, teams
from app.operators.startup import key_command
from app.runtime import Runtime
from app.secrets import digest_of, make_link_secret

#: As long as it takes to come back to the terminal.
_LINK_SECONDS = 86_400.0
MEMBER = "admin"
_FIRST_START = Actor(name="first start")

_EXAMPLE = {
    "type": "TEXT_TO_VIDEO",
    "model": "luma",
    "promptObject": {
        "prompt": "a majestic lion walking through golden savanna at sunset",
        "modelName": "ray-v3",
        "duration": "5s",
        "aspectRatio": "16:9",
        "resolution": "720p",
        "loop": False,
    },
}


async def ensure_first_key(rt: Runtime) -> str | None:
    """Makes a key if there is none yet. Returns what to print: the key and a first call. Completes
    a first start that was interrupted."""
    team = rt.settings.operator_team
    async with rt.db.single() as tx:
        if await api_keys.any_key(tx):
            return None
    with suppress(InvalidRequest):
        await teams.create_team(rt, team, credit_limit=None, actor=_FIRST_START)
    with suppress(InvalidRequest):
        await members.create_member(
            rt, team, MEMBER, role=Role.ADMIN, limits=Limits(), actor=_FIRST_START
        )
    key = await keys.create_key(rt, team, MEMBER, name="first", actor=_FIRST_START)
    link = make_link_secret()
    async with rt.db.single() as tx:
        await sessions.create_link(tx, digest_of(link), key_id=key.key.id, seconds=_LINK_SECONDS)
    return welcome(rt, key.secret, link)


async def lost_key_command(rt: Runtime) -> str:
    """The command for another key of the first administrator, if it still exists."""
    team = rt.settings.operator_team
    async with rt.db.single() as tx:
        found = await rows.find_member(tx, team=team, name=MEMBER)
    lasting = found is not None and found.ended_at is None
    return key_command(team, MEMBER) if lasting else key_command()


def welcome(rt: Runtime, key: str, link: str) -> str:
    where = rt.settings.link_base
    return f"""
The key of {rt.settings.operator_team}/{MEMBER}, shown only now:

    {key}

The pages, signed in, once and within a day (later with the key, at {where}/app/):

    {where}/app/sign-in#{link}

A first video. The examples of all documents use the same two variables:

export REELGATE_URL={where} REELGATE_KEY={key}
curl --location "$REELGATE_URL/api/features" \\
--header "API-KEY: $REELGATE_KEY" \\
--header 'Content-Type: application/json' \\
--data '{json.dumps(_EXAMPLE, indent=2)}'
"""
