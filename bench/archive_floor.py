"""What cannot be left out of archiving: each file is downloaded, hashed, written and flushed to
disk, and two commits.

Run as `python -m bench.archive_floor COUNT URL FOLDER`. Prints seconds and CPU seconds as JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import uvloop

from app.db.session import driver_conninfo

#: As many as a worker by default.
AT_ONCE = 4
_TABLE = "CREATE TABLE IF NOT EXISTS bench_archive (id integer, sha256 text)"


async def _download(url: str) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return await reader.read(-1)
    finally:
        writer.close()


def _keep(content: bytes, path: Path) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


async def _lane(numbers: list[int], url: str, folder: Path) -> None:
    address = driver_conninfo(os.environ["DATABASE_URL"])
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        while numbers:
            number = numbers.pop()
            await connection.execute("INSERT INTO bench_archive VALUES (%s, NULL)", [number])
            content = await _download(url)
            digest = await asyncio.to_thread(_keep, content, folder / f"{number}.mp4")
            await connection.execute("INSERT INTO bench_archive VALUES (%s, %s)", [number, digest])


async def _all(count: int, url: str, folder: Path) -> float:
    with psycopg.connect(driver_conninfo(os.environ["DATABASE_URL"]), autocommit=True) as tx:
        tx.execute(_TABLE)
    numbers, started = list(range(count)), time.perf_counter()
    await asyncio.gather(*(_lane(numbers, url, folder) for _ in range(AT_ONCE)))
    return time.perf_counter() - started


def main() -> None:
    folder = Path(sys.argv[3])
    folder.mkdir(exist_ok=True)
    before = time.process_time()
    seconds = uvloop.run(_all(int(sys.argv[1]), sys.argv[2], folder))
    json.dump({"seconds": seconds, "cpu_seconds": time.process_time() - before}, sys.stdout)


if __name__ == "__main__":
    main()
