"""The first start: a team, an administrator and a key, shown once."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from app.db import members as rows
from app.domain.caller import Role
from app.errors import InvalidRequest
from app.members import keys, members, teams
from app.members.members import Limits
from app.runtime import Runtime

TEAM = "default"
MEMBER = "admin"

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


async def ensure_first_key(rt: Runtime) -> None:
    """Where there is no key yet, makes one and prints it with a first call. A start that broke off
    half way is taken up where it was."""
    async with rt.db.single() as tx:
        if await rows.any_key(tx):
            return
    with suppress(InvalidRequest):
        await teams.create_team(rt, TEAM, credit_limit=None, actor="first start")
    with suppress(InvalidRequest):
        await members.create_member(
            rt, TEAM, MEMBER, role=Role.ADMIN, limits=Limits(), actor="first start"
        )
    key = await keys.create_key(rt, TEAM, MEMBER, name="first", actor="first start")
    print(welcome(rt, key.secret), file=sys.stdout, flush=True)  # noqa: T201


def welcome(rt: Runtime, key: str) -> str:
    where = rt.settings.link_base
    return f"""
Reelgate is up at {where}{" with the built-in SIMULATOR" if rt.settings.simulated else ""}.
The key of {TEAM}/{MEMBER}, shown only now:

    {key}

A first video:

curl --location '{where}/api/features' \\
--header 'API-KEY: {key}' \\
--header 'Content-Type: application/json' \\
--data '{json.dumps(_EXAMPLE, indent=2)}'
"""
