"""Whether the promises were kept: pure functions of what is left. Each yields what is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain.generation import DISPUTED, FINAL
from tests.chaos.clients import Ledger
from tests.chaos.evidence import Evidence, Row
from tests.chaos.faults import NOT_PROCESSED, PROVIDER_LIMITED
from tests.chaos.plan import Ask
from tests.chaos.receivers import Heard

_FINAL = frozenset(state.value for state in FINAL)
#: What is told of an end.
_TELLS = {
    "succeeded": "video.completed", "failed": "video.failed", "canceled": "video.canceled",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """All there is about a run, by prompt."""

    asks: Mapping[str, Ask]
    ledger: Ledger
    evidence: Evidence

    @property
    def generations(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.evidence.generations:
            found[row["prompt"]].append(row)
        return found

    @property
    def submissions(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.evidence.submissions:
            found[row["prompt"]].append(row)
        return found

    def billed(self, prompt: str) -> int:
        return sum(row["billed"] for row in self.submissions.get(prompt, ()))

    def may_be_repeated(self, submission: Row) -> bool:
        if submission["outcome"] == PROVIDER_LIMITED.name:
            ask = self.asks.get(submission["prompt"])
            return ask is not None and PROVIDER_LIMITED in ask.faults
        return submission["outcome"] in NOT_PROCESSED

    def faults(self, prompt: str) -> set[str]:
        return {fault.name for fault in self.asks[prompt].faults} if prompt in self.asks else set()


def sent_twice(case: Case) -> Iterator[str]:
    """A submission after one that may have been processed."""
    for prompt, rows in case.submissions.items():
        for row in rows[:-1]:
            if row["billed"] or not case.may_be_repeated(row):
                outcomes = ", ".join(each["outcome"] for each in rows)
                yield f"{prompt!r} was submitted {len(rows)} times: {outcomes}"
                break


def admitted_twice(case: Case) -> Iterator[str]:
    """More than one generation for one wish, or one for a body that was refused."""
    for prompt, rows in case.generations.items():
        if len(rows) > 1:
            yield f"{prompt!r} has {len(rows)} generations: {', '.join(row['id'] for row in rows)}"
        if prompt not in case.asks:
            yield f"{prompt!r} should have no generation: {rows[0]['id']}"


def accepted_and_gone(case: Case) -> Iterator[str]:
    """An id that a client was given, and that is not the generation of its prompt."""
    asks = {ask.number: ask for ask in case.asks.values()}
    generations = case.generations
    for number, ids in case.ledger.accepted.items():
        there = {row["id"] for row in generations.get(asks[number].prompt, ())}
        if ids != there:
            yield f"{asks[number].prompt!r} was accepted as {sorted(ids)}, there is {sorted(there)}"


def refused_and_made(case: Case) -> Iterator[str]:
    """A request that was refused has used up nothing."""
    asks = {ask.number: ask for ask in case.asks.values()}
    generations = case.generations
    for number in case.ledger.refused:
        for row in generations.get(asks[number].prompt, ()):
            yield f"{asks[number].prompt!r} was refused and is {row['id']}"


def canceled_and_billed(case: Case) -> Iterator[str]:
    for row in case.evidence.generations:
        if row["state"] == "canceled" and case.billed(row["prompt"]):
            yield f"{row['id']} was canceled and billed"


def stuck(case: Case) -> Iterator[str]:
    """Not at an end after the recovery. An unknown one may have a job, or wait for an operator, as
    it does if its record may be another's."""
    for row in case.evidence.generations:
        if row["state"] == "unknown":
            polled = row["upstream_id"] and row["unknown_reason"] not in DISPUTED
            if polled and not row["jobs"]:
                yield f"{row['id']} is unknown with an id and nobody asks for it"
        elif row["state"] not in _FINAL:
            yield f"{row['id']} is {row['state']} with {row['jobs']} jobs"
        elif row["state"] == "succeeded" and row["asset"] != "archived":
            yield f"{row['id']} is not archived: {row['asset']}, {row['last_error']}"


def lost_files(case: Case) -> Iterator[str]:
    """Archived by its row, and the file is missing or has other bytes; or a file nobody knows."""
    files = dict(case.evidence.files)
    for row in case.evidence.generations:
        if row["asset"] == "archived":
            found = files.pop(row["path"], None)
            if found != (row["size_bytes"], row["sha256"]):
                yield f"{row['id']} is archived as {row['path']}, there is {found}"
    kept = {row["path"] for row in case.evidence.inputs if row["state"] != "deleted"}
    yield from (f"{path} belongs to no generation" for path in files if path not in kept)


def lost_inputs(case: Case) -> Iterator[str]:
    """What a generation is made of, and is not there or has other bytes."""
    there = {row["id"]: row for row in case.evidence.inputs}
    for use in case.evidence.uses:
        row = there[use["input_id"]]
        found = case.evidence.files.get(row["path"] or "")
        if row["state"] != "ready" or found != (row["size_bytes"], row["sha256"]):
            yield f"{use['generation_id']} is made of {row['id']}: {row['state']}, {found}"


def left_inputs(case: Case) -> Iterator[str]:
    """Images that no generation uses, after their time is over."""
    for row in case.evidence.inputs:
        if (row["state"] != "deleted" and not row["kept"]) or (
            row["state"] == "deleted" and row["path"]
        ):
            yield f"{row['id']} is {row['state']}, at {row['path']}"


def sent_without_inputs(case: Case) -> Iterator[str]:
    """A submission through a key whose account does not have all images, or of a generation that
    should have one and has none."""
    uses: dict[str, list[Row]] = defaultdict(list)
    for use in case.evidence.uses:
        uses[use["prompt"]].append(use)
    for row in case.evidence.generations:
        ask = case.asks.get(row["prompt"])
        if (ask is not None and ask.image is not None) is not bool(uses[row["prompt"]]):
            yield f"{row['id']} has {len(uses[row['prompt']])} images"
    for prompt, rows in case.submissions.items():
        for row in rows:
            if any(row["key_fingerprint"] not in use["accounts"] for use in uses.get(prompt, ())):
                yield f"{prompt!r} was sent by {row['key_fingerprint']}, which has no image of it"


def billed_and_lost(case: Case) -> Iterator[str]:
    """A render the upstream billed that belongs to no generation, or whose generation neither has
    a video nor still holds its credits. What is listed in `unsaid` is not wrong."""
    generations, excused = case.generations, set(unsaid(case))
    for prompt in case.submissions:
        if not case.billed(prompt):
            continue
        rows = generations.get(prompt, [])
        if not rows:
            yield f"{prompt!r} was billed and has no generation"
        for row in rows:
            if row["state"] not in ("succeeded", "unknown") and prompt not in excused:
                yield f"{row['id']} is {row['state']} and was billed"


def wrong_ledger(case: Case) -> Iterator[str]:
    """Holds of what has ended, none for what is open, settlements that are not the bill."""
    excused = set(unsaid(case))
    for row in case.evidence.generations:
        ended = row["state"] in _FINAL
        if row["held"] != (not ended):
            yield f"{row['id']} is {row['state']}, and its hold is {_open(row['held'])}"
        billed = case.billed(row["prompt"])
        if ended and (row["settled"] or 0) != billed and row["prompt"] not in excused:
            yield f"{row['id']} is {row['state']}, settled {row['settled']}, billed {billed}"
        if row["used"] != ((row["settled"] or 0) if ended else row["quote"]):
            yield f"{row['id']} is {row['state']} and uses {row['used']}"


def _open(held: bool) -> str:
    return "open" if held else "closed"


def others_videos(case: Case) -> Iterator[str]:
    """A generation that took an upstream record which was not made for its prompt. What is listed
    in `misled` is not wrong."""
    excused = set(misled(case))
    for row, whose in _taken(case):
        if whose != row["prompt"] and row["prompt"] not in excused:
            yield f"{row['id']} for {row['prompt']!r} has the record of {whose!r}"


def _taken(case: Case) -> Iterator[tuple[Row, str | None]]:
    """Each generation with an upstream id, and the prompt that record was made for."""
    made = {row["uuid"]: prompt for prompt, rows in case.submissions.items() for row in rows}
    for row in case.evidence.generations:
        if row["upstream_id"]:
            yield row, made.get(row["upstream_id"])


def untold(case: Case) -> Iterator[str]:
    """An end that somebody wanted to be told of and was not, though nobody is still trying; or
    something that was told and is not so."""
    trying = {row["generation_id"] for row in case.evidence.deliveries if row["state"] == "pending"}
    heard: dict[str, list[Heard]] = defaultdict(list)
    for each in case.ledger.heard:
        heard[each.generation].append(each)
    for row in case.evidence.generations:
        ask = case.asks.get(row["prompt"])
        said = heard.pop(row["id"], [])
        right = _TELLS.get(row["state"]) if ask is not None and ask.told else None
        wrong = sorted({each.type for each in said if each.type != right})
        if wrong:
            yield f"{row['id']} is {row['state']} and was told as {', '.join(wrong)}"
        if len({each.message for each in said}) > 1:
            yield f"{row['id']} was told under more than one id"
        if right and not said and row["id"] not in trying:
            yield f"{row['id']} is {row['state']}, and nobody was told"
    yield from (f"{generation} was told and is not there" for generation in heard)


def forgotten(case: Case) -> Iterator[str]:
    """A webhook that is still to be sent, and has no job that would."""
    for row in case.evidence.deliveries:
        if row["state"] == "pending" and not row["jobs"]:
            yield f"{row['id']} of {row['generation_id']} waits after {row['attempts']} attempts"


def overshoots(case: Case) -> Iterator[str]:
    for row in case.evidence.overshoots:
        yield f"{row['whose']} {row['id']}: {row['used']} of {row['credit_limit']} at {row['at']}"
    if case.evidence.looks < len(case.evidence.generations):
        yield f"only {case.evidence.looks} looks: the trigger did not run"


def unsaid(case: Case) -> list[str]:
    """Prompts the upstream billed although it failed, and did not say so in its answer: nobody
    could have settled them. Only the fault that does just that is an excuse."""
    return [
        row["prompt"]
        for row in case.evidence.generations
        if row["state"] == "failed"
        and case.billed(row["prompt"])
        and {"failed_200"} & case.faults(row["prompt"])
    ]


def misled(case: Case) -> list[str]:
    """Prompts the upstream answered with the id of the record before, whose own answer was lost:
    nobody but the upstream knew that it was taken. (An id that is known to be taken is refused by
    an index.) Only the fault that does just that is an excuse."""
    return [
        row["prompt"]
        for row, whose in _taken(case)
        if whose != row["prompt"] and "same_uuid" in case.faults(row["prompt"])
    ]


def unknown(case: Case) -> Counter[str]:
    """What waits for an operator, and what the upstream's books say of it."""
    return Counter(
        ("with an id, " if row["upstream_id"] else "without an id, ")
        + ("billed" if case.billed(row["prompt"]) else "not billed")
        for row in case.evidence.generations
        if row["state"] == "unknown"
    )


def credits_(case: Case) -> dict[str, int]:
    """Where what the upstream billed has gone: the first is the sum of the others."""
    found: Counter[str] = Counter()
    excused = set(unsaid(case))
    for row in case.evidence.generations:
        billed = case.billed(row["prompt"])
        found["billed by the upstream"] += billed
        found["settled"] += row["settled"] or 0
        if row["state"] == "unknown":
            found["billed and unknown, hold kept"] += billed
        elif row["prompt"] in excused:
            found["billed without saying so"] += billed - (row["settled"] or 0)
    return dict(found)


#: What may not be → the function that finds it.
CHECKS = {
    "submitted again although it may have been processed": sent_twice,
    "two generations for one request": admitted_twice,
    "accepted without a generation": accepted_and_gone,
    "refused with a generation": refused_and_made,
    "canceled and billed": canceled_and_billed,
    "stuck": stuck,
    "billed and lost": billed_and_lost,
    "another request's video": others_videos,
    "archived files that are missing, changed or without a row": lost_files,
    "images of generations that are missing or changed": lost_inputs,
    "images that nobody uses and nobody deletes": left_inputs,
    "sent through an account without its image": sent_without_inputs,
    "wrong holds and settlements": wrong_ledger,
    "credit limits exceeded at any commit": overshoots,
    "ended without a webhook, or with a wrong one": untold,
    "webhooks to be sent without a job": forgotten,
}
