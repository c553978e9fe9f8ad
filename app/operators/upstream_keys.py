"""What operators do with upstream keys: look, test, pause and return. Workers have the keys
themselves, so a worker does the test."""

from __future__ import annotations

from dataclasses import dataclass

from app.db import audit, generations, jobs, upstream_keys, upstream_looks, upstream_watermarks
from app.db.upstream_keys import UpstreamKey
from app.db.upstream_watermarks import Interval, Watermark
from app.errors import NotFound
from app.runtime import Runtime

#: Of a key's fingerprint, what is shown.
_FINGERPRINT_CHARS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """`watermark` is None as long as no answer had figures. `minute_limit` is how many requests a
    minute it may make. `open_generations` were sent with it and have not ended."""

    key: UpstreamKey
    watermark: Watermark | None
    minute_limit: int
    open_generations: int

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint[:_FINGERPRINT_CHARS]

    @property
    def minute_remaining(self) -> int:
        return max(self.minute_limit - self.key.minute_requests, 0)


async def list_keys(rt: Runtime) -> list[KeyStatus]:
    """The keys that some worker has configured now."""
    async with rt.db.single() as tx:
        keys = await upstream_keys.list_keys(tx)
        watermarks = await upstream_watermarks.by_label(tx)
        open_ones = await generations.count_sent(tx)
    limit = rt.settings.upstream_rate_per_minute
    return [
        KeyStatus(
            key=key, watermark=watermarks.get(key.label), minute_limit=limit,
            open_generations=open_ones.get(key.id, 0),
        )
        for key in keys
    ]  # fmt: skip


async def list_intervals(
    rt: Runtime, label: str, *, before: int | None = None, limit: int
) -> list[Interval]:
    """The history of the figures of a key's account, newest first. Raises `NotFound`."""
    async with rt.db.single() as tx:
        if not await upstream_keys.is_known(tx, label):
            raise _no_key(label)
        return await upstream_watermarks.list_intervals(tx, label, before=before, limit=limit)


async def pause(rt: Runtime, label: str, *, reason: str, actor: str) -> None:
    """Submits nothing through a key until it is returned; what it created is still polled. Raises
    `NotFound`."""
    async with rt.db.begin() as tx:
        if not await upstream_keys.pause(tx, label, reason=reason):
            raise _no_key(label)
        await audit.record(tx, actor, "upstream_key.pause", label, team_id=None, reason=reason)


async def return_to_use(rt: Runtime, label: str, *, reason: str | None, actor: str) -> None:
    """Uses a key again that was paused or set aside. If that was for the reserve, submissions go on
    until an answer says again that the account has no more. Raises `NotFound`."""
    async with rt.db.begin() as tx:
        await upstream_watermarks.doubt(tx, label)
        if not await upstream_keys.return_to_use(tx, label):
            raise _no_key(label)
        await audit.record(tx, actor, "upstream_key.return", label, team_id=None, reason=reason)
        await jobs.run_all_now(tx, jobs.Job.SUBMIT)


async def test(rt: Runtime, label: str, *, actor: str) -> None:
    """A worker looks something up with the key within seconds, which is free. Raises
    `NotFound`."""
    async with rt.db.begin() as tx:
        if not await upstream_looks.request_test(tx, label):
            raise _no_key(label)
        await audit.record(tx, actor, "upstream_key.test", label, team_id=None)


def _no_key(label: str) -> NotFound:
    return NotFound(f"There is no upstream key {label}.")
