"""What the routes of one simulator share."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import UUID

from starlette.requests import Request

from app.simulator import refusals, wire
from app.simulator.accounts import Account, fingerprint
from app.simulator.books import Books
from app.simulator.config import SimulatorConfig
from app.simulator.fault_rules import Script
from app.simulator.links import Signer
from app.simulator.records import Record, stage_at
from app.simulator.render_cache import Reels

log = logging.getLogger("reelgate.simulator")


class Studio:
    def __init__(self, config: SimulatorConfig, now: Callable[[], float]) -> None:
        self.config, self.now = config, now
        self.books = Books(config.data_dir, credit_limit=config.credit_limit)
        self.script = Script()
        self.reels = Reels(config.data_dir / "reels")
        self._asked: dict[str, deque[float]] = {}

    @cached_property
    def signer(self) -> Signer:
        return Signer(self.books.link_secret())

    def close(self) -> None:
        self.reels.close()
        self.books.close()

    def admit(self, request: Request) -> Account:
        """The account of the key, within its rate. Raises `Refusal`; Bearer is not understood."""
        key = request.headers.get("API-KEY", "")
        if not key or (self.config.keys is not None and key not in self.config.keys):
            raise refusals.key_missing()
        account = self.books.account(fingerprint(key), self.now())
        if account.rejected == "deleted":
            raise refusals.key_deleted()
        if account.rejected == "inactive":
            raise refusals.key_inactive()
        self._count(account.fingerprint)
        return account

    def _count(self, account: str) -> None:
        """A sliding minute; a refused request does not count against it."""
        limit, now = self.config.rate_per_minute, self.now()
        if limit <= 0:
            return
        asked = self._asked.setdefault(account, deque())
        while asked and asked[0] <= now - 60:
            asked.popleft()
        if len(asked) >= limit:
            raise refusals.rate_limited()
        asked.append(now)

    def link(self, record: Record, request: Request) -> str:
        base = self.config.public_url or str(request.base_url)
        path = self.signer.sign(
            record.storage_key, now=self.now(), seconds=self.config.link_seconds
        )
        return base.rstrip("/") + path

    def show(
        self,
        request: Request,
        record: Record,
        account: Account,
        *,
        used: int,
        at: float | None = None,
    ) -> dict[str, Any]:
        """The JSON of a record as it stands at that moment, or now, with a fresh link if there is
        a video."""
        stage = stage_at(record, self.now() if at is None else at)
        if stage is None:
            return wire.nothing()
        link = self.link(record, request) if stage.has_link else None
        return wire.render(record, account, used=used, stage=stage, link=link)

    def note(
        self,
        request: Request,
        kind: str,
        outcome: str,
        *,
        account: str | None = None,
        body: bytes | None = None,
        prompt: str | None = None,
        uuid: UUID | None = None,
        billed: int = 0,
    ) -> None:
        key = request.headers.get("API-KEY", "")
        self.books.note(
            at=self.now(),
            kind=kind,
            method=request.method,
            path=request.url.path,
            outcome=outcome,
            account=account or (fingerprint(key) if key else None),
            body_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
            prompt=prompt,
            uuid=uuid,
            billed=billed,
        )


def studio_of(request: Request) -> Studio:
    studio = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio
