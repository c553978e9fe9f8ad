"""One run: load, recovery, evidence, verdict."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from app.db import jobs, migrate
from app.db.jobs import Job
from app.domain.caller import Role
from app.errors import InvalidRequest, Unavailable
from app.members import keys, members, teams
from app.runtime import Runtime, open_runtime
from app.simulator.config import CANARIES
from tests.chaos import budgets, checks, disk, evidence, postgres, watchman
from tests.chaos.answers import judged
from tests.chaos.clients import Clients, Ledger, drive
from tests.chaos.evidence import Evidence
from tests.chaos.plan import Person, Plan
from tests.chaos.receivers import Receivers
from tests.chaos.saboteur import Saboteur
from tests.chaos.site import UPSTREAM_KEYS, Site, site
from tests.chaos.upstream import Upstream
from tests.harness.actors import TESTER
from tests.harness.gateway import SIGNING_SECRET, settings_for
from tests.standin.oddities.downloads import DAMAGED_FILMS
from tests.upstream.loopback import serving

#: After the load, what has to end must have ended within this time.
RECOVERY_SECONDS = 240.0
_LOOK_SECONDS = 1.0
#: The clients' last looks may go on for a moment when the plan is over.
_LAST_LOOKS_SECONDS = 20.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Result:
    plan: Plan
    disruptions: Counter[str]
    ledger: Ledger
    faults: Counter[str]
    hooks: Counter[str]
    #: Answers that were altered on their way to a worker.
    altered: Counter[str]
    evidence: Evidence
    excuses: Counter[str]
    unknown: Counter[str]
    unsaid: list[str]
    misled: list[str]
    credits_: dict[str, int]
    #: Team → the periods in which something was admitted.
    periods: Mapping[str, int]
    recovery_seconds: float
    away_seconds: float
    #: What may not be → what was found of it.
    found: dict[str, list[str]] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        return not any(self.found.values())


def run(plan: Plan, folder: Path, say: Say) -> Result:
    with postgres.running(folder) as server:
        migrate.upgrade(server.address)
        watchman.install(server.address)
        disk.install(server.address)
        with site(server.address, folder) as place:
            return asyncio.run(_run(plan, place, server, say))


async def _run(plan: Plan, place: Site, server: postgres.Postgres, say: Say) -> Result:
    async with contextlib.AsyncExitStack() as stack:
        rt = await stack.enter_async_context(
            open_runtime(settings_for(server.address, place.folder / "operator"))
        )
        keys = [await _member(rt, person) for person in plan.people]
        canaries = [*CANARIES, *UPSTREAM_KEYS.values(), SIGNING_SECRET, "X-Amz-", *keys]
        stack.push_async_callback(place.close)
        await place.start()
        secrets = [await place.callback_secret(key) for key in keys]
        canaries += [secret.removeprefix("whsec_") for secret in secrets]
        receivers = Receivers(plan.asks, secrets)
        await stack.enter_async_context(serving(receivers.take, port=place.hooks_port))
        upstream = Upstream(place.upstream.address)
        stack.push_async_callback(upstream.close)
        clients = Clients(place, keys, canaries, upstream.rule)
        clients.ledger.heard = receivers.heard
        stack.push_async_callback(clients.close)
        saboteur = Saboteur(place, server, upstream, rt)
        turns_at = datetime.now(UTC) + timedelta(seconds=plan.seconds / 2)
        for team in {person.team for person in plan.people if person.turns}:
            await asyncio.to_thread(budgets.turn_at, server.address, team, turns_at)
        say(f"load: {plan.seconds:g} s, {len(plan.asks)} asks, {len(plan.disruptions)} disruptions")
        await _load(plan, clients, saboteur, rt, say)
        say("recovery")
        waited, moving = await _recover(place, saboteur, upstream, rt, server)
        books = await upstream.books()
        await asyncio.gather(*(seat.leave() for seat in place.seats))
    left = await asyncio.to_thread(evidence.gather, server.address, place.archive, books)
    case = checks.Case({ask.prompt: ask for ask in plan.asks}, clients.ledger, left)
    found = {name: list(check(case)) for name, check in checks.CHECKS.items()}
    found["still moving after the recovery"] = [f"{count} {name}" for name, count in moving.items()]
    excuses, found["unexpected answers"] = judged(clients.ledger.answers, place.outages)
    found["wrong answers"] = clients.ledger.wrong
    found["webhooks that cannot be verified"] = receivers.wrong
    found["secrets in answers"] = _distinct(
        f"{canary!r} in {answer.kind}"
        for answer in clients.ledger.answers
        for canary in answer.canaries
    )
    found["requests with a cookie"] = _distinct(place.between.cookies.elements())
    damaged = {hashlib.sha256(film).hexdigest() for film in DAMAGED_FILMS}
    found["damaged files in the archive"] = [
        row["id"] for row in left.generations if row["sha256"] in damaged
    ]
    found["balances that are not what the ledger adds up to"] = evidence.differing_balances(
        server.address
    )
    found["usage that is not what the generations add up to"] = evidence.miscounted_usage(
        server.address
    )
    found["limits nearly used up, and nobody was told"] = budgets.unnoticed(server.address)
    found["processes that failed"] = [failure for seat in place.seats for failure in seat.failures]
    found["secrets in tables"] = _distinct(evidence.leaks_in_tables(server.address, canaries))
    found["secrets in logs"] = _distinct(evidence.leaks_in_files(_logs(place, server), canaries))
    return Result(
        plan=plan,
        disruptions=saboteur.done,
        ledger=clients.ledger,
        faults=sum((Counter(each) for each in books["outcomes"].values()), Counter()),
        hooks=receivers.done,
        altered=place.between.done,
        evidence=left,
        excuses=excuses,
        unknown=checks.unknown(case),
        unsaid=checks.unsaid(case),
        misled=checks.misled(case),
        credits_=checks.credits_(case),
        periods=budgets.periods_met(server.address),
        recovery_seconds=waited,
        away_seconds=place.outages.seconds("postgres"),
        found=found,
    )


async def _member(rt: Runtime, person: Person) -> str:
    with contextlib.suppress(InvalidRequest):
        await teams.create_team(rt, person.team, credit_limit=person.team_credits, actor=TESTER)
    await members.create_member(
        rt, person.team, person.name, role=Role.MEMBER, limits=person.limits, actor=TESTER
    )
    key = await keys.create_key(rt, person.team, person.name, name="chaos", actor=TESTER)
    return key.secret


async def _load(plan: Plan, clients: Clients, saboteur: Saboteur, rt: Runtime, say: Say) -> None:
    until = time.monotonic() + plan.seconds
    async with asyncio.TaskGroup() as group:
        watching = [
            group.create_task(saboteur.look_after_keys()),
            group.create_task(_tell(plan, clients, saboteur, say)),
            group.create_task(budgets.give_all(rt, plan)),
        ]
        running = [
            group.create_task(drive(clients, plan.asks, until=until + _LAST_LOOKS_SECONDS)),
            group.create_task(saboteur.run(plan.disruptions, until=until)),
        ]
        await asyncio.wait(running)
        for task in watching:
            task.cancel()


async def _tell(plan: Plan, clients: Clients, saboteur: Saboteur, say: Say) -> None:
    begin = time.monotonic()
    while True:
        await asyncio.sleep(max(5.0, plan.seconds / 30))
        say(
            f"{time.monotonic() - begin:4.0f} s: {len(clients.ledger.accepted)} accepted, "
            f"{len(clients.ledger.answers)} answers, {saboteur.done.total()} disruptions"
        )


async def _recover(
    place: Site, saboteur: Saboteur, upstream: Upstream, rt: Runtime, server: postgres.Postgres
) -> tuple[float, dict[str, int]]:
    """Starts everything again, without faults. Seconds until nothing moved, and what still moves.
    Jobs run at once: their waiting times would only make the run longer."""
    begin = time.monotonic()
    await upstream.pardon()
    for seat in place.seats:
        await seat.ensure_running()
    await saboteur.take_keys_back()
    await asyncio.to_thread(evidence.expire_inputs, server.address)
    # A worker that starts deletes what is due.
    await place.workers[0].restart(until=float("inf"))
    before = await asyncio.to_thread(evidence.polls_of_unknown, server.address)
    while True:
        await _run_jobs_now(rt)
        await asyncio.sleep(_LOOK_SECONDS)
        moving = await asyncio.to_thread(evidence.what_moves, server.address)
        now = await asyncio.to_thread(evidence.polls_of_unknown, server.address)
        unasked = sum(1 for name, polls in now.items() if polls <= before.get(name, -1))
        if unasked:
            moving["unknown and not polled again"] = unasked
        waited = time.monotonic() - begin
        if not moving or waited > RECOVERY_SECONDS:
            return waited, moving


async def _run_jobs_now(rt: Runtime) -> None:
    with contextlib.suppress(Unavailable):
        async with rt.db.begin() as tx:
            # A job of a webhook that is not due waits on.
            await tx.execute(
                text("UPDATE webhook_deliveries SET next_attempt_at = now()"
                     " WHERE state = 'pending' AND next_attempt_at > now()")
            )  # fmt: skip
            for job in Job:
                await jobs.run_all_now(tx, job)


def _logs(place: Site, server: postgres.Postgres) -> list[Path]:
    """Of the gateway and of Postgres. The simulator is the upstream: its own log is not ours."""
    ours = [
        path
        for path in sorted((place.folder / "logs").iterdir())
        if path.suffix in (".out", ".err") and not path.name.startswith("simulate")
    ]
    return [*ours, server.log]


def _distinct(found: Iterable[str]) -> list[str]:
    counted = Counter(found)
    return [f"{what} ({times} times)" for what, times in counted.items()]
