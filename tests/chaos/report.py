"""What a run prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from tests.chaos.plan import DISRUPTIONS, KILLS, Plan
from tests.chaos.run import Result

_SHOWN = 20
#: What the simulator's books call an answer in which nothing went wrong.
_RIGHT = frozenset({"accepted", "found", "sent", "stored"})


def show_plan(console: Console, plan: Plan) -> None:
    """Moment by moment: the same for the same arguments."""
    table = Table("at", "disruption", "target", "seconds", title=f"Plan of seed {plan.seed}")
    for disruption in plan.disruptions:
        table.add_row(
            f"{disruption.at:.1f}",
            disruption.kind,
            str(disruption.target),
            f"{disruption.seconds:.1f}",
        )
    console.print(table)
    table = Table("at", "ask", "member", "how", "faults")
    for ask in plan.asks:
        how = [
            name for name in ("waits", "keyed", "cancels", "reuses", "told") if getattr(ask, name)
        ]
        how += [f"its receiver: {mood}" for mood in ask.moods]
        how += [f"begins with image {ask.image}"] if ask.image is not None else []
        how += [f"hangs up after {ask.hangs_up_after:.1f} s"] if ask.hangs_up_after else []
        faults = "; ".join(fault.label for fault in ask.faults)
        name = plan.people[ask.member].name
        table.add_row(f"{ask.at:.1f}", ask.token, name, ", ".join(how), faults)
    console.print(table)


def show(console: Console, result: Result) -> None:
    states = Counter(row["state"] for row in result.evidence.generations)
    tried = Table("tried", "times", title=f"Seed {result.plan.seed}")
    tried.add_row("generations", str(len(result.evidence.generations)))
    _rows(tried, {f"  {state}": count for state, count in states.items()})
    tried.add_row("  that begin with an image", str(_pictured(result)))
    tried.add_row("answers to clients", str(len(result.ledger.answers)))
    _rows(tried, {f"  {what}": count for what, count in result.ledger.done.items()})
    tried.add_row("kill -9", str(sum(result.disruptions[kind] for kind in KILLS)))
    _rows(tried, {f"  {kind}": count for kind, count in result.disruptions.items()})
    tried.add_row("seconds without Postgres", f"{result.away_seconds:.0f}")
    tried.add_row("submissions", str(len(result.evidence.submissions)))
    _rows(tried, {f"  upstream: {what}": count for what, count in result.faults.items()})
    tried.add_row("webhooks to clients", str(result.hooks.total()))
    _rows(tried, {f"  {what}": count for what, count in result.hooks.items()})
    tried.add_row("answers altered by the relay", str(result.altered.total()))
    _rows(tried, {f"  {what}": count for what, count in result.altered.items()})
    tried.add_row("commits checked for credit limits", str(result.evidence.looks))
    tried.add_row("credits granted for a while", f"{len(result.plan.grants)} times")
    _rows(tried, {f"periods of the team {team}": count for team, count in result.periods.items()})
    tried.add_row("seconds of recovery until nothing moved", f"{result.recovery_seconds:.0f}")
    console.print(tried)

    money = Table("credits", "sum")
    for what, sum_ in result.credits_.items():
        money.add_row(what, f"{sum_:,}")
    console.print(money)

    excused = Table("answers that are allowed", "times")
    _rows(excused, result.excuses)
    console.print(excused)

    open_ = Table("left open, and listed", "times")
    _rows(open_, {f"unknown {what}, hold kept": count for what, count in result.unknown.items()})
    open_.add_row("failed, and billed by the upstream without saying so", str(len(result.unsaid)))
    open_.add_row("given the id of a record whose own answer was lost", str(len(result.misled)))
    console.print(open_)

    lost = Table("lost", "times")
    for what, found in result.found.items():
        lost.add_row(what, f"[red]{len(found)}[/red]" if found else "0")
    console.print(lost)
    for what, found in result.found.items():
        for each in found[:_SHOWN]:
            console.print(f"{what}: {each}", style="red", markup=False, soft_wrap=True)
        if len(found) > _SHOWN:
            console.print(f"{what}: and {len(found) - _SHOWN} more", style="red")


def markdown(result: Result) -> str:
    """The figures of a run as docs/reliability.md has them."""
    states = Counter(row["state"] for row in result.evidence.generations)
    kills = sum(result.disruptions[kind] for kind in KILLS)
    lines = [
        "| what | how often |",
        "|---|---:|",
        f"| generations | {len(result.evidence.generations):,} |",
        *(f"| … {state} | {count:,} |" for state, count in sorted(states.items())),
        f"| … that begin with an image | {_pictured(result):,} |",
        f"| `kill -9` | {kills:,} |",
        f"| disruptions in all | {result.disruptions.total():,} |",
        *(f"| … `{kind}` | {result.disruptions[kind]:,} |" for kind in DISRUPTIONS),
        f"| submissions | {len(result.evidence.submissions):,} |",
        f"| wrong, late or refusing answers of the upstream | {_faults(result):,} |",
        f"| answers to clients | {len(result.ledger.answers):,} |",
        f"| … allowed errors | {result.excuses.total():,} |",
        f"| webhooks to clients | {result.hooks.total():,} |",
        *(f"| … {what} | {count:,} |" for what, count in sorted(result.hooks.items())),
        f"| answers altered by the relay | {result.altered.total():,} |",
        *(f"| … {what} | {count:,} |" for what, count in sorted(result.altered.items())),
        f"| commits checked for limits | {result.evidence.looks:,} |",
        f"| seconds without PostgreSQL | {result.away_seconds:,.0f} |",
        f"| seconds under load | {result.plan.seconds:,.0f} |",
        f"| seconds of recovery until nothing moved | {result.recovery_seconds:,.0f} |",
        *(f"| credits {what} | {sum_:,} |" for what, sum_ in result.credits_.items()),
        *(f"| unknown {what} | {count:,} |" for what, count in sorted(result.unknown.items())),
        "",
        "| lost | how often |",
        "|---|---:|",
        *(f"| {what} | {len(found):,} |" for what, found in result.found.items()),
    ]
    return "\n".join(lines)


def _pictured(result: Result) -> int:
    return len({use["generation_id"] for use in result.evidence.uses})


def _faults(result: Result) -> int:
    """Answers of the upstream that were wrong, late, or a refusal."""
    return sum(count for what, count in result.faults.items() if what not in _RIGHT)


def _rows(table: Table, counts: Mapping[str, int]) -> None:
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
