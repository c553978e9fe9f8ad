"""What the database server says of itself."""

from __future__ import annotations

from sqlalchemy import text

from app.db.session import Tx


async def clock_offset_seconds(tx: Tx, now_epoch: float) -> float:
    """How far this machine's clock is ahead of the database's."""
    theirs = await tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    return now_epoch - float(theirs or 0)


async def server_version(tx: Tx) -> int:
    """As Postgres counts it: 180000 is 18.0."""
    return int(await tx.scalar(text("SHOW server_version_num")) or 0)
