"""Decides whose record an answer of the upstream is.

The upstream may give one id to two requests, or answer with another request's record. A success or
failure taken from it would belong to the other one, and one of the two may have been paid for. So
one rule holds for every answer, to a submission or a look-up, whatever it says.
"""

from __future__ import annotations

from app.db import prompts as rows
from app.db import transitions, upstream_answers, upstream_watermarks
from app.db.session import Tx
from app.db.transitions import Work
from app.db.upstream_watermarks import Mark
from app.domain import prompts
from app.domain.generation import UPSTREAM_ID_REPEATED
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import WorkerRuntime
from app.upstream.answers import (
    Busy,
    Failed,
    Lost,
    Missing,
    NotProcessed,
    ResultAnswer,
    SubmitAnswer,
)


async def is_of_another(tx: Tx, work: Work, answer: SubmitAnswer | ResultAnswer) -> bool:
    """Whether the record in an answer was made for the prompt of another generation and not of this
    one. A record without an echo, or with one that matches no generation, counts as the right one:
    the upstream may enhance prompts."""
    if isinstance(answer, Lost | Missing | Busy) or not answer.echo:
        return False
    echo, ours = prompts.normal(answer.echo), prompts.normal(work.spec.facts.prompt or "")
    if not echo or echo == ours:
        return False
    marks = prompts.marks_of(echo)
    if await rows.is_known(tx, marks, besides=work.id):
        return True
    if prompts.is_cut_from(echo, ours):
        return False
    alike = await rows.list_alike(tx, marks, besides=work.id)
    return prompts.is_cut_from_any(echo, alike)


async def keep_words(tx: Tx, work: Work, answer: SubmitAnswer | ResultAnswer) -> None:
    """Keeps the upstream's own words for operators, whatever happens to the generation."""
    if not isinstance(answer, Missing | Busy) and answer.verbatim is not None:
        await upstream_answers.keep(tx, work.id, answer.verbatim)


async def keep_figures(
    rt: WorkerRuntime,
    transaction: Transaction,
    key_id: int,
    mark: Mark | None,
    answer: SubmitAnswer | ResultAnswer,
    *,
    record: str | None,
) -> None:
    """Keeps what a record says of the account that pays, once the ledger has what it says of the
    generation. `mark` is what was known before the request, `record` the record's upstream id."""
    if mark is None or isinstance(answer, Missing | Busy | Lost | NotProcessed):
        return
    if isinstance(answer, Failed) and answer.upstream_id is None and answer.figures is None:
        # A refusal, which has no record.
        return
    if answer.figures is None:
        outcome = "unreadable"
    elif answer.figures == mark.figures and not mark.due:
        outcome = "known"
    elif await upstream_watermarks.observe(
        transaction.tx, key_id, mark, answer.figures, record=record
    ):
        outcome = "noted"
    else:
        outcome = "overtaken"
    transaction.on_commit(rt.metrics.upstream_figures.labels(outcome).inc)


async def dispute(transaction: Transaction, upstream_id: str) -> None:
    """Makes the generation that has this upstream record `unknown`, because another one was given
    it too. One that has ended stays as it is."""
    other = await transitions.find_by_upstream_id(transaction.tx, upstream_id)
    if other is not None:
        await lifecycle.dispute(transaction, other, reason=UPSTREAM_ID_REPEATED)
