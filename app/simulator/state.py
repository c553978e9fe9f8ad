"""The state that the routes of one simulator share."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from starlette.requests import Request

from app.simulator import refusals, wire
from app.simulator.accounts import Account, fingerprint
from app.simulator.config import SimulatorConfig
from app.simulator.database import Database
from app.simulator.fault_rules import FaultRules
from app.simulator.links import Signer
from app.simulator.records import Record, stage_at
from app.simulator.render_cache import RenderCache

log = logging.getLogger("reelgate.simulator")


class Simulator:
    def __init__(self, config: SimulatorConfig, now: Callable[[], float]) -> None:
        self.config, self.now = config, now
        self.database = Database(config.data_dir, credit_limit=config.credit_limit)
        self.fault_rules = FaultRules()
        self.renders = RenderCache(config.data_dir / "renders")
        #: What differs in the list of models, as `models.listed` takes it.
        self.changes: list[Mapping[str, Any]] = []
        self._request_times: dict[str, deque[float]] = {}

    @cached_property
    def signer(self) -> Signer:
        return Signer(self.database.link_secret())

    def close(self) -> None:
        self.renders.close()
        self.database.close()

    def admit(self, request: Request) -> Account:
        """The account of the request's key. Raises `Refusal`.

        Like the upstream, this does not accept a Bearer token.
        """
        key = request.headers.get("API-KEY", "")
        if not key or (self.config.keys is not None and key not in self.config.keys):
            raise refusals.key_missing()
        account = self.database.account(fingerprint(key), self.now())
        if account.rejected == "deleted":
            raise refusals.key_deleted()
        if account.rejected == "inactive":
            raise refusals.key_inactive()
        self._check_rate(account.fingerprint)
        return account

    def _check_rate(self, account: str) -> None:
        """Limit the requests of the last minute; refused ones do not count."""
        limit, now = self.config.rate_per_minute, self.now()
        if limit <= 0:
            return
        times = self._request_times.setdefault(account, deque())
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= limit:
            raise refusals.rate_limited()
        times.append(now)

    def link(self, record: Record, request: Request) -> str:
        base = self.config.public_url or str(request.base_url)
        path = self.signer.sign(
            record.storage_key, now=self.now(), seconds=self.config.link_seconds
        )
        return base.rstrip("/") + path

    def render_record(
        self,
        request: Request,
        record: Record,
        account: Account,
        *,
        used: int,
        at: float | None = None,
    ) -> dict[str, Any]:
        """The JSON of a record at a given time or now, with a fresh link if there is a video."""
        stage = stage_at(record, self.now() if at is None else at)
        if stage is None:
            return wire.no_record()
        link = self.link(record, request) if stage.has_link else None
        return wire.render(record, account, self.config.catalog, used=used, stage=stage, link=link)

    def log_request(
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
        self.database.add_request(
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


def simulator_of(request: Request) -> Simulator:
    simulator = request.app.state.simulator
    assert isinstance(simulator, Simulator)
    return simulator
