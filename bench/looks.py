"""What is measured at two sizes of the past: lists, sums, and what workers do by the clock."""

from __future__ import annotations

import http.client
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from app.api import cursor
from app.db import assets, durations, events, ledger, webhook_deliveries, webhook_endpoints
from app.db.durations import waits_of
from app.db.events import Whose
from app.db.session import driver_conninfo
from app.domain.ids import video_id
from app.runtime import WorkerRuntime
from app.worker import retention, upkeep
from bench.filling import SPEC, Filled
from bench.processes import Server
from bench.targets import BODY

_PAGE = 100


@dataclass(slots=True, kw_only=True)
class Place:
    """A filled database with its gateway and a worker's runtime. `facts` fill in the paths."""

    server: Server
    rt: WorkerRuntime
    filled: Filled
    facts: dict[str, Any] = field(default_factory=dict)
    client: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)

    def request(
        self, method: str, path: str, key: str, *, expected: int = 200, body: str | None = None
    ) -> bytes:
        headers = {"API-KEY": key, "Prefer": "respond-async", "Content-Type": "application/json"}
        self.client.request(method, path, body=body, headers=headers)
        answer = self.client.getresponse()
        said = answer.read()
        if answer.status != expected:
            raise SystemExit(f"{method} {path}: {answer.status} {said[:500].decode()}")
        return said

    def read_facts(self) -> None:
        """Ids in the middle of the past, and positions from which a page is read."""
        with psycopg.connect(driver_conninfo(self.rt.db.address), row_factory=dict_row) as tx:
            me = tx.execute(
                "SELECT m.id, m.team_id FROM members m JOIN teams t ON t.id = m.team_id"
                " WHERE t.name = 'team-1' AND m.name = 'member-1'"
            ).fetchone()
            assert me is not None
            self.facts |= {"member": me["id"], "team": me["team_id"]}
            for name, of in (("member", "member_id"), ("team", "team_id")):
                query = (
                    f"SELECT id, created_at, count(*) OVER () AS n FROM generations WHERE {of} = %s"
                    " ORDER BY created_at DESC, id DESC"
                )
                rows = tx.execute(query.encode(), [self.facts[name]]).fetchall()
                middle = rows[len(rows) // 2]
                self.facts[f"{name}_cursor"] = cursor.write((middle["created_at"], middle["id"]))
                self.facts[f"{name}_middle"] = middle["id"]
                self.facts[f"{name}_offset"] = len(rows) // 2
            row = tx.execute(_MIDDLE_OF_AUDIT).fetchone()
            assert row is not None
            self.facts["audit"] = cursor.write((row["created_at"], row["id"]))
            self.facts["video"] = video_id(self.facts["member_middle"])
            for name, query in _ROWS.items():
                row = tx.execute(query.encode(), self.facts).fetchone()
                assert row is not None, name
                self.facts[name] = row["found"]


_MIDDLE_OF_AUDIT = """
    SELECT created_at, id FROM audit_log WHERE id >= (SELECT max(id) / 2 FROM audit_log)
     ORDER BY id LIMIT 1
"""
_ROWS = {
    "queued": "SELECT id AS found FROM generations WHERE state = 'queued' LIMIT 1",
    "operator_team": "SELECT id AS found FROM teams WHERE name = 'default'",
    "endpoint": "SELECT id AS found FROM webhook_endpoints WHERE team_id = %(team)s",
    "asset": "SELECT (max(id) / 2)::bigint AS found FROM assets",
    "event": "SELECT (max(id) - 1000)::bigint AS found FROM events",
    "day": "SELECT (now() - interval '30 days')::date::text AS found",
    "year": "SELECT (now() - interval '300 days')::date::text AS found",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`bound` says what it grows with, where that is not the past."""

    name: str
    act: Callable[[Place], Awaitable[object]]
    bound: str = ""


def _get(who: str, path: str, bound: str = "") -> Look:
    async def act(place: Place) -> None:
        place.request("GET", path.format(**place.facts), getattr(place.filled, who))

    return Look(name=f"GET {path} ({who})", act=act, bound=bound)


def _tx(name: str, act: Callable[..., Awaitable[object]], bound: str = "") -> Look:
    async def within(place: Place) -> None:
        async with place.rt.db.begin() as tx:
            await act(tx, place)

    return Look(name=name, act=within, bound=bound)


async def _create(place: Place) -> None:
    place.request("POST", "/api/features", place.filled.member, expected=202, body=BODY)


async def _estimate(place: Place) -> None:
    body = json.dumps({"feature": "TEXT_TO_VIDEO", **SPEC.to_json()})
    place.request("POST", "/api/v1/generations/estimate", place.filled.member, body=body)


def _ids(place: Place) -> list[UUID]:
    return [place.facts["member_middle"], place.facts["team_middle"]]


LOOKS = (
    Look(name="create → 202", act=_create),
    Look(name="estimate", act=_estimate),
    _get("member", "/api/v1/me"),
    _get("member", "/api/results/{member_middle}"),
    _get("member", "/api/v1/generations/{member_middle}"),
    _get("operator", "/api/v1/admin/generations/{queued}/upstream-answer"),
    # Lists.
    _get("member", "/api/v1/generations?limit=20"),
    _get("member", "/api/v1/generations?limit=20&cursor={member_cursor}"),
    _get("member", "/api/v1/generations?limit=20&state=failed"),
    _get("member", "/api/v1/generations?limit=20&state=unknown"),
    _get("member", "/api/v1/generations?limit=20&metadata[cost_centre]=cc-3"),
    _get("member", "/api/v1/generations?limit=20&metadata[campaign]=launch"),
    _get("member", "/api/v1/generations?limit=20&metadata[campaign]=nothing"),
    _get("member", "/api/v1/generations?limit=20&user=user-7"),
    _get("member", "/api/v1/generations?limit=20&user=nobody"),
    _get("member", "/api/v1/generations?limit=20&q=nowhere"),
    _get("member", "/api/v1/generations?limit=20&model=ray-v1"),
    _get("member", "/api/v1/generations?limit=20&favorite=true"),
    _get("admin", "/api/v1/generations?limit=20"),
    _get("admin", "/api/v1/generations?limit=20&cursor={team_cursor}"),
    _get("admin", "/api/v1/generations?limit=20&state=queued"),
    _get("admin", "/api/v1/generations?limit=20&state=unknown"),
    _get("admin", "/api/v1/generations?limit=20&state=canceled&created_before={day}T00:00:00Z"),
    _get("admin", "/api/v1/generations?limit=20&metadata[project]=p-7"),
    _get("admin", "/api/v1/generations?limit=20&metadata[campaign]=launch&state=failed"),
    _get("admin", "/api/v1/generations?limit=20&user=user-7"),
    _get("admin", "/api/v1/generations?limit=20&q=nowhere"),
    _get("member", "/v1/videos?limit=20"),
    _get("member", "/v1/videos?limit=20&after={video}"),
    _get("member", "/v1/videos?limit=20&order=asc"),
    _get("member", "/v1/videos?limit=20&metadata[campaign]=launch"),
    _get("member", "/dream-machine/v1/generations?limit=20"),
    _get("member", "/dream-machine/v1/generations?limit=20&offset={member_offset}"),
    # Sums.
    _get("member", "/api/v1/usage"),
    _get("member", "/api/v1/usage?from={year}", bound="a row for each day, model and state"),
    _get("admin", "/api/v1/usage?from={day}&scope=team"),
    _get("admin", "/api/v1/usage?from={year}&scope=team",
         bound="a row for each day, model and state"),
    _get("admin", "/api/v1/usage?from={day}&scope=team&group_by=metadata[cost_centre]",
         bound="a row for each day, member and value"),
    _get("admin", "/api/v1/usage?from={year}&scope=team&metadata[campaign]=launch"),
    _get("admin", "/api/v1/usage?from={year}&scope=team&group_by=member&group_by=key",
         bound="a row for each day of each member"),
    _get("admin",
         "/api/v1/usage?from={year}&scope=team&metadata[project]=p-7&group_by=metadata[cost_centre]",
         bound="reads generations, 100,000 at most"),
    _get("operator", "/metrics"),
    # What else is listed.
    _get("member", "/api/v1/webhooks/deliveries?limit=20"),
    _get("admin", "/api/v1/webhooks/deliveries?limit=20"),
    _get("admin", "/api/v1/webhooks/deliveries?limit=20&state=failed"),
    _get("admin", "/api/v1/webhooks/deliveries?limit=20&generation_id={team_middle}"),
    _get("admin", "/api/v1/webhooks/deliveries?limit=20&endpoint_id={endpoint}&state=pending"),
    _get("operator", "/api/v1/admin/generations?limit=20"),
    _get("operator", "/api/v1/admin/generations?limit=20&cursor={team_cursor}"),
    _get("operator", "/api/v1/admin/generations?limit=20&team_id={team}&state=failed"),
    _get("operator", "/api/v1/admin/generations/{member_middle}"),
    _get("operator", "/api/v1/admin/teams/{team}/webhooks/endpoints?limit=20"),
    _get("operator", "/api/v1/admin/teams/{team}/webhooks/deliveries?limit=20"),
    _get("operator", "/api/v1/admin/teams/{team}/webhooks/deliveries?limit=20&state=failed"),
    _get("operator", "/api/v1/admin/generations?limit=20&state=unknown"),
    _get("operator", "/api/v1/admin/unknown?limit=20"),
    _get("operator", "/api/v1/admin/audit?limit=20"),
    _get("operator", "/api/v1/admin/audit?limit=20&cursor={audit}"),
    _get("operator", "/api/v1/admin/audit?limit=20&action=key"),
    _get("operator", "/api/v1/admin/audit?limit=20&member=team-1/member-1"),
    _get("operator", "/api/v1/admin/audit?limit=20&until={year}T00:00:00Z"),
    _get("operator", "/api/v1/admin/audit?limit=20&team_id={team}"),
    _get("operator", "/api/v1/admin/audit?limit=20&since={day}T00:00:00Z&action=none"),
    _get("admin", "/api/v1/admin/audit?limit=20"),
    _get("operator", "/api/v1/admin/teams?limit=20"),
    _get("operator", "/api/v1/admin/teams/{team}/members?limit=20"),
    _get("operator", "/api/v1/admin/teams/{team}/grants?limit=20"),
    _get("operator", "/api/v1/admin/pauses"),
    # Where streams begin, and what they read.
    _tx("events: newest of a member",
        lambda tx, p: events.newest_position(tx, Whose(member_id=p.facts["member"]))),
    _tx("events: newest of a team",
        lambda tx, p: events.newest_position(tx, Whose(team_id=p.facts["team"]))),
    _tx("events: replay of a member",
        lambda tx, p: events.replay(
            tx, Whose(member_id=p.facts["member"]), (0, p.facts["event"]), limit=_PAGE)),
    _tx("events: replay of a team",
        lambda tx, p: events.replay(
            tx, Whose(team_id=p.facts["team"]), (0, p.facts["event"]), limit=_PAGE)),
    _tx("events: the feed's look",
        lambda tx, p: events.after(tx, (0, p.facts["event"]), limit=500)),
    _tx("events: the feed's place", lambda tx, _: events.last_position(tx)),
    # What workers do by the clock, with nothing due.
    Look(name="upkeep: a round", act=lambda p: upkeep.one_round(p.rt)),
    Look(name="retention: a round", act=lambda p: retention.one_round(p.rt)),
    _tx("expected duration", lambda tx, _: durations.history_of(tx, SPEC.kind)),
    _tx("expected wait", lambda tx, _: waits_of(tx, SPEC.kind)),
    _tx("expected of all models",
        lambda tx, p: durations.times_of_models(
            tx, {model.id: model.kinds for model in p.rt.catalog.enabled.values()})),
    _tx("archive verify: a page of all",
        lambda tx, p: assets.list_kept(tx, after=p.facts["asset"], limit=200)),
    _tx("archive verify: a page of a team",
        lambda tx, p: assets.list_kept(
            tx, after=p.facts["asset"], limit=200, team_id=p.facts["team"])),
    _tx("archive verify: states of a page", lambda tx, p: assets.video_files(tx, _ids(p))),
    _tx("archive list", lambda tx, _: assets.list_unarchived(tx, limit=_PAGE)),
    _tx("webhooks list: endpoints with counts", lambda tx, _: webhook_endpoints.summaries(tx)),
    _tx("webhooks: the next of a receiver",
        lambda tx, p: webhook_deliveries.run_next(tx, p.facts["endpoint"])),
    _tx("ledger verify", lambda tx, _: ledger.differences(tx, limit=_PAGE),
        bound="reads the whole ledger, by design"),
)  # fmt: skip
