"""An account at the upstream beside the gateway's ledger, moved step by step in one transaction
that is never committed. What the upstream does is made up: when it charges, whether it gives back
what it charged for a failure, and which of the figures since the last answer an answer shows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

_SETUP = """
    INSERT INTO teams (id, name) VALUES (%(team)s, 'studio');
    INSERT INTO members (id, team_id, name, credit_limit, rate_per_minute, rate_burst, max_open)
    VALUES (%(member)s, %(team)s, 'ada', 0, 1, 1, 1);
    INSERT INTO api_keys (id, member_id, name, prefix, secret_sha256, account_id)
    VALUES (%(key)s, %(member)s, 'k', 'rg_x', '\\x00', %(key)s);
    INSERT INTO upstream_keys (label, fingerprint) VALUES ('main', 'x');
"""
_SUBMIT = """
    INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature, provider, spec,
                             model, kind, fingerprint, state, upstream_key_id, quote,
                             queue_deadline_at)
    VALUES (%(id)s, %(team)s, %(member)s, %(key)s, 'onemin', 'f', 'p', '{"model": "m"}',
            'm', 'm', '\\x00', 'submitting',
            %(upstream)s, %(quote)s, now());
"""
_HOLD = (
    "SELECT reelgate_enter(%(id)s, %(team)s, %(member)s, %(key)s, 'hold', %(quote)s, 0, now(),"
    " now())"
)
_END = "UPDATE generations SET state = %s, finished_at = now() WHERE id = %s"


@dataclass
class Film:
    id: UUID
    quote: int
    charged: bool = False


@dataclass
class Request:
    """`film` is its own, if it is a submission."""

    number: int
    film: Film | None


class Account:
    """`used` and `limit` are the truth, which nobody is shown. `spent_elsewhere` is what the ledger
    does not know of, less what was given back."""

    def __init__(self, db: psycopg.Connection[Any], chance: random.Random) -> None:
        self.db, self.chance = db, chance
        self.ids = {"team": uuid4(), "member": uuid4(), "key": uuid4()}
        for statement in _SETUP.split(";"):
            if statement.strip():
                db.execute(statement.encode(), self.ids)
        [(self.upstream,)] = db.execute("SELECT id FROM upstream_keys").fetchall()
        self.used, self.limit = chance.randrange(10**9), 10**10
        self.shown = [self.used]
        self.open: list[Film] = []
        self.sent: list[Request] = []
        self.spent_elsewhere = 0

    def step(self) -> None:
        """Something that happens in any life."""
        moves = [self.submit, self.look, self.charge, self.answer, self.answer, self.lose]
        self.chance.choice(moves)()

    def submit(self) -> None:
        film = Film(uuid4(), self.chance.randrange(1, 1000))
        values = {**self.ids, "id": film.id, "quote": film.quote, "upstream": self.upstream}
        self.db.execute(_SUBMIT, values)
        self.db.execute(_HOLD, values)
        self.open.append(film)
        self.sent.append(Request(self._number(), film))

    def look(self) -> None:
        self.sent.append(Request(self._number(), None))

    def charge(self) -> None:
        """The upstream charges at any moment until it says that it is done."""
        if self.open:
            self._charge(self.chance.choice(self.open))

    def lose(self) -> None:
        """The answer to a submission is lost; somebody finds out much later what became of it."""
        own = [sent for sent in self.sent if sent.film is not None]
        if own:
            lost = self.chance.choice(own)
            self.sent.remove(lost)
            assert lost.film is not None
            self.db.execute(
                "UPDATE generations SET state = 'unknown' WHERE id = %s", [lost.film.id]
            )

    def answer(self) -> None:
        """One of the requests is answered, in any order; by it a film may have ended."""
        if not self.sent:
            return
        request = self.sent.pop(self.chance.randrange(len(self.sent)))
        figure = self.chance.choice(self.shown)
        if self.open and self.chance.random() < 0.4:
            film = request.film or self.chance.choice(self.open)
            if film in self.open and not any(sent.film is film for sent in self.sent):
                figure = self._end(film, figure)
        self.observe(request, figure)

    def spend_elsewhere(self, credits_: int) -> None:
        """Below 0: credits are added, as less that is used."""
        self.spent_elsewhere += credits_
        self._use(credits_)

    def rest(self) -> None:
        """All that is open ends, and then the account is looked at until nothing is in doubt."""
        while self.sent:
            self.answer()
        for film in list(self.open):
            self._end(film, 0)
        for _ in range(3):
            self.look()
            self.observe(self.sent.pop(), self.used)

    def events(self) -> list[tuple[int, int, int]]:
        """Unexplained, added and uncertain credits of each row that has any."""
        return self.db.execute(
            "SELECT unexplained, added, uncertain FROM upstream_watermark_history"
            " WHERE unexplained > 0 OR added > 0 ORDER BY id"
        ).fetchall()

    def intervals(self) -> list[tuple[int, int, int]]:
        """Of each two rows in a row: how the figure changed, and the ledger's bounds of that."""
        return self.db.execute(
            """
            SELECT used - lag(used) OVER w, ledger_low - lag(ledger_high) OVER w,
                   ledger_high - lag(ledger_low) OVER w
              FROM upstream_watermark_history WINDOW w AS (ORDER BY id) OFFSET 1
            """
        ).fetchall()

    def offset(self) -> tuple[int, int]:
        [found] = self.db.execute(
            "SELECT offset_low, offset_high FROM upstream_watermarks"
        ).fetchall()
        return (found[0], found[1])

    def _end(self, film: Film, figure: int) -> int:
        """Returns the figure that the answer shows, which may be one from before its end."""
        self.open.remove(film)
        if self.chance.random() < 0.7:
            self._charge(film)
            state, settled = "succeeded", film.quote
        else:
            if film.charged:
                self._use(-film.quote)
            state, settled = "failed", 0
        self.db.execute(_END, [state, film.id])
        self.db.execute("SELECT reelgate_close_hold(%s, %s)", [film.id, settled])
        return self.chance.choice([figure, self.used])

    def _charge(self, film: Film) -> None:
        if not film.charged:
            film.charged = True
            self._use(film.quote)

    def _use(self, credits_: int) -> None:
        self.used += credits_
        self.shown.append(self.used)

    def _number(self) -> int:
        row = self.db.execute("SELECT number FROM upstream_watermarks").fetchone()
        return row[0] if row else 0

    def observe(self, request: Request, figure: int) -> None:
        noted = self.db.execute(
            "SELECT reelgate_observe(%s, %s, %s, %s, NULL)",
            [self.upstream, request.number, figure, self.limit],
        ).fetchone()
        if noted == (True,):
            # What was shown before this answer is not shown again.
            self.shown = [self.used]
