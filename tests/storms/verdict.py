"""What a storm may not leave behind. A finding is one line: who, what was seen, what is right."""

from __future__ import annotations

from collections.abc import Iterator

from tests.standin.films import film_for, sha256
from tests.standin.oddities.refusals import SIGNED, WORDS
from tests.standin.requests import BROKEN_OFF
from tests.storms.place import Place, Row, memory
from tests.storms.storm import Storm

#: Twice what a worker has resident that makes videos in peace.
MAX_WORKER_BYTES = 300_000_000
#: Paths a gateway has reason to ask for.
_ASKED = ("/api/features", "/api/results/", "/asset.1min.ai/")


def findings(place: Place, storm: Storm, *, killed: bool = False) -> list[str]:
    """`killed`: a worker was, and what it had in flight is unknown."""
    return [
        *([] if killed else _unmet(place, storm)),
        *_ends(storm, killed=killed),
        *_films(storm),
        *_words(storm),
        *_money(place, storm),
        *([] if killed else _unsent(place, storm)),
        *_sent(place, storm, killed=killed),
        *_strays(place),
        *_workers(place),
        *_leaks(place, storm),
    ]


def _unmet(place: Place, storm: Storm) -> Iterator[str]:
    """An oddity that struck nobody shows nothing."""
    unmet = place.stand_in.script.unmet()
    for wish in storm.wishes:
        if wish.trial is not None and (wish.trial.point, wish.prompt) in unmet:
            yield f"{wish.label}: was not met"


def _ends(storm: Storm, *, killed: bool) -> Iterator[str]:
    for wish in storm.wishes:
        row = storm.rows[wish.prompt]
        right = wish.right | {"unknown"} if killed else wish.right
        if row["state"] not in right:
            yield f"{wish.label}: {_seen(row)}, right is {' or '.join(sorted(right))}"
        elif row["reason"] == "worker_died" and not killed:
            yield f"{wish.label}: {_seen(row)}, and no worker died"


def _seen(row: Row) -> str:
    return f"{row['state']} ({row['reason']})" if row["reason"] else str(row["state"])


def _films(storm: Storm) -> Iterator[str]:
    """Each has its own, and no other one's."""
    for wish in storm.wishes:
        row = storm.rows[wish.prompt]
        if row["state"] != "succeeded":
            continue
        if row["asset"] == "archived" and row["sha256"] != film_sha256(wish.prompt):
            yield f"{wish.label}: another film is archived"
        if row["asset"] != "archived" and wish.archived:
            attempts = f"{row['attempts']} attempts, {row['last_error']}"
            yield f"{wish.label}: its film is {row['asset']} after {attempts}"


def _words(storm: Storm) -> Iterator[str]:
    """Why it failed is ours to say to callers, and to be read by operators."""
    for wish in storm.wishes:
        row = storm.rows[wish.prompt]
        if row["state"] == "failed" and not row["upstream_answer"]:
            yield f"{wish.label}: nothing is kept of why it failed"


def film_sha256(prompt: str) -> str:
    asked = {"prompt": prompt, "aspectRatio": "1:1", "resolution": "720p", "duration": "5s"}
    return sha256(film_for(asked))


def _money(place: Place, storm: Storm) -> Iterator[str]:
    """What is held is what is open or unknown, and what is settled is what was billed."""
    for wish in storm.wishes:
        row = storm.rows[wish.prompt]
        ended = row["state"] in ("succeeded", "failed", "canceled")
        if row["held"] != (not ended):
            held = "open" if row["held"] else "closed"
            yield f"{wish.label}: {row['state']}, and its hold is {held}"
        # Where the upstream says that it failed and billed it, no answer of it says that.
        billed = place.stand_in.journal.billed(wish.prompt)
        silent = row["state"] == "failed" and "failed" in wish.right
        if ended and not silent and (row["settled"] or 0) != billed:
            yield f"{wish.label}: {row['state']}, settled {row['settled']}, billed {billed}"


def _unsent(place: Place, storm: Storm) -> Iterator[str]:
    """What was not sent has not left the queue, unless its worker died before it came to that."""
    for wish in storm.wishes:
        row = storm.rows[wish.prompt]
        if not place.stand_in.journal.posts_for(wish.prompt) and row["state"] != "queued":
            yield f"{wish.label}: never sent, and {_seen(row)}"


def _sent(place: Place, storm: Storm, *, killed: bool) -> Iterator[str]:
    journal, labels = place.stand_in.journal, {wish.prompt: wish.label for wish in storm.wishes}
    for prompt, met in journal.sent_twice().items():
        if prompt in labels:
            yield f"{labels[prompt]}: sent {len(met)} times ({', '.join(met)})"
    yield from (f"a call carries the cookie {cookie!r}" for cookie in set(journal.cookies()))
    yield from (
        f"connection {number} carried {len(keys)} keys"
        for number, keys in journal.shared_connections().items()
    )
    yield from (
        f"the stand-in failed: {failure}"
        for failure in journal.failures
        if not (killed and failure.endswith(BROKEN_OFF))
    )


def _strays(place: Place) -> Iterator[str]:
    for request in place.stand_in.journal.requests:
        if not request.path.startswith(_ASKED) or ".." in request.path:
            yield f"asked for {request.target[:200]!r}"


def _workers(place: Place) -> Iterator[str]:
    for worker in place.workers:
        if not worker.running:
            yield f"{worker.name} ended with {worker.exit_code()}: {worker.errors[-2000:]}"
        elif (most := memory(worker)) > MAX_WORKER_BYTES:
            yield f"{worker.name} was at {most / 1e6:.0f} MB"


def _leaks(place: Place, storm: Storm) -> Iterator[str]:
    canaries = (*place.stand_in.canaries, "canary-signed", "canary-cookie")
    # The upstream's own words are for operators: a log may have them, a caller may not.
    for name, text, secrets in (
        ("an answer", "\n".join(storm.said), (*canaries, WORDS, SIGNED)),
        ("a log", place.site.logs(), canaries),
    ):
        for canary in secrets:
            at = text.find(canary)
            if at >= 0:
                yield f"{canary!r} is in {name}: …{text[max(0, at - 160) : at + 60]}…"
