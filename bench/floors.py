"""The two floors: a route that does nothing, and a route that does one durable INSERT.

Run as `python -m bench.floors bare|insert --port N`. Server, event loop, parser, pool size and
driver are the gateway's, so the difference is what the gateway itself costs.
"""

from __future__ import annotations

import argparse
import os
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.session import sqlalchemy_url

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


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("which", choices=["bare", "insert"])
    arguments.add_argument("--port", type=int, required=True)
    given = arguments.parse_args()
    app = bare() if given.which == "bare" else insert(os.environ["DATABASE_URL"])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
