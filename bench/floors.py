"""The floors: routes that do nothing, one durable INSERT, and two transactions.

Run as `python -m bench.floors bare|insert|commits --port N`. Server, event loop, parser and pool
size are the gateway's, so the difference is what the gateway itself costs. The INSERT uses the
gateway's driver through SQLAlchemy; the two transactions use asyncpg, the fastest driver there is
for asyncio.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import uvicorn
from fastapi import FastAPI, Request
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.session import driver_conninfo, sqlalchemy_url

POOL_SIZE = 10
TABLE = "CREATE TABLE bench_floor (id uuid PRIMARY KEY, body jsonb NOT NULL, at timestamptz)"


def bare() -> FastAPI:
    app = FastAPI()

    @app.get("/floor")
    async def answer() -> dict[str, object]:
        return {"id": str(uuid4()), "status": "PROCESSING"}

    return app


def insert(address: str) -> FastAPI:
    app = FastAPI()
    engine = create_async_engine(
        sqlalchemy_url(address),
        pool_size=POOL_SIZE,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
    )
    statement = text("INSERT INTO bench_floor VALUES (:id, CAST(:body AS jsonb), now())")

    @app.post("/floor")
    async def keep(request: Request) -> dict[str, object]:
        made, body = uuid4(), await request.body()
        async with engine.connect() as connection:
            await connection.execute(statement, {"id": made, "body": body.decode()})
        return {"id": str(made), "status": "PROCESSING"}

    return app


def commits(address: str) -> FastAPI:
    """What a gateway that may lose nothing does at the least: it commits that it will ask the
    upstream, and commits what became of that. It keeps no connection in between."""

    @asynccontextmanager
    async def connected(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            **_arguments(address), min_size=POOL_SIZE, max_size=POOL_SIZE
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=connected)

    @app.post("/floor")
    async def keep(request: Request) -> dict[str, object]:
        made, body = uuid4(), await request.body()
        pool = request.app.state.pool
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO bench_floor VALUES ($1, $2, NULL)", made, body.decode()
            )
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE bench_floor SET at = now() WHERE id = $1", made)
        return {"id": str(made), "status": "PROCESSING"}

    return app


def _arguments(address: str) -> dict[str, object]:
    """In asyncpg's words."""
    words = {"dbname": "database", "user": "user", "password": "password", "host": "host",
             "port": "port"}  # fmt: skip
    given = conninfo_to_dict(driver_conninfo(address))
    return {word: given[name] for name, word in words.items() if name in given}


FLOORS: dict[str, Callable[[str], FastAPI]] = {
    "bare": lambda _: bare(),
    "insert": insert,
    "commits": commits,
}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("which", choices=FLOORS)
    arguments.add_argument("--port", type=int, required=True)
    given = arguments.parse_args()
    app = FLOORS[given.which](os.environ["DATABASE_URL"])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
