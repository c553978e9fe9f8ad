"""Every account, record and request in SQLite, so that a killed process loses nothing.

Queries run on the event loop: each is short, tens of microseconds with a write-ahead log.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.domain.catalog.spec import Spec
from app.simulator.accounts import Account
from app.simulator.records import Record

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    fingerprint TEXT PRIMARY KEY, credit_limit INTEGER NOT NULL, used INTEGER NOT NULL,
    rejected TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
    created_at REAL NOT NULL, finish_at REAL NOT NULL, storage_key TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL, prompt_object TEXT NOT NULL, billed INTEGER NOT NULL,
    used_before INTEGER NOT NULL, fault_effect TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS records_of_account ON records (account, number);
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, account TEXT, body_sha256 TEXT, prompt TEXT, outcome TEXT NOT NULL,
    uuid TEXT, billed INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS assets (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL,
    size INTEGER NOT NULL, created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An uploaded file. Only its account may use it."""

    key: str
    account: str
    name: str
    content_type: str
    size: int
    created_at: float


class Database:
    """Opens at the first query, so that creating a simulator touches no disk; and again after
    `close`."""

    def __init__(self, folder: Path, *, credit_limit: int) -> None:
        self._file = folder / "simulator.db"
        self._credit_limit = credit_limit
        self._connection: sqlite3.Connection | None = None

    @property
    def db(self) -> sqlite3.Connection:
        if self._connection is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            db.row_factory = sqlite3.Row
            db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
            self._connection = db
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.db:
            self.db.execute("BEGIN IMMEDIATE")
            yield

    def link_secret(self) -> bytes:
        """Stored, so that links stay valid after a restart."""
        self.db.execute(
            "INSERT OR IGNORE INTO settings VALUES ('link_secret', ?)", (secrets.token_hex(32),)
        )
        row = self.db.execute("SELECT value FROM settings WHERE name = 'link_secret'").fetchone()
        return bytes.fromhex(row["value"])

    # Accounts

    def account(self, fingerprint: str, now: float) -> Account:
        found = self.find_account(fingerprint)
        if found is not None:
            return found
        self.db.execute(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)",
            (fingerprint, *self._new_account(), now, now),
        )
        return self.account(fingerprint, now)

    def find_account(self, fingerprint: str) -> Account | None:
        query = "SELECT * FROM accounts WHERE fingerprint = ?"
        row = self.db.execute(query, (fingerprint,)).fetchone()
        return None if row is None else Account(**row)

    def _new_account(self) -> tuple[int, int, str | None]:
        row = self.db.execute("SELECT value FROM settings WHERE name = 'new_account'").fetchone()
        values = {} if row is None else json.loads(row["value"])
        limit = values.get("credit_limit", self._credit_limit)
        return limit, values.get("used", 0), values.get("rejected")

    def change_accounts(self, values: Mapping[str, Any], fingerprint: str | None) -> None:
        """`values` are columns of `accounts`. Without a fingerprint, they apply to every existing
        and every future account."""
        columns = ", ".join(f"{name} = ?" for name in values)  # column names come from our own code
        query = f"UPDATE accounts SET {columns}"  # noqa: S608
        if fingerprint is not None:
            self.db.execute(f"{query} WHERE fingerprint = ?", (*values.values(), fingerprint))
            return
        row = self.db.execute("SELECT value FROM settings WHERE name = 'new_account'").fetchone()
        stored = {**(json.loads(row["value"]) if row else {}), **values}
        self.db.execute(query, tuple(values.values()))
        self.db.execute("REPLACE INTO settings VALUES ('new_account', ?)", (json.dumps(stored),))

    def add_to_accounts(self, changes: Mapping[str, int], fingerprint: str | None) -> None:
        """To columns of existing accounts, none of which falls below 0."""
        for name, change in changes.items():  # column names come from our own code
            query = f"UPDATE accounts SET {name} = max(0, {name} + ?)"  # noqa: S608
            whose = "" if fingerprint is None else " WHERE fingerprint = ?"
            self.db.execute(query + whose, (change, *([fingerprint] if fingerprint else [])))

    # Records

    def add(self, record: Record) -> None:
        """Insert the record and bill its account. Call this inside a `transaction`."""
        self.db.execute(
            "INSERT INTO records VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(record.uuid),
                record.account,
                record.created_at,
                record.finish_at,
                record.storage_key,
                json.dumps(record.spec.to_json()),
                json.dumps(dict(record.prompt_object)),
                record.billed,
                record.used_before,
                json.dumps(dict(record.fault_effect)),
            ),
        )
        self.db.execute(
            "UPDATE accounts SET used = used + ?, updated_at = ? WHERE fingerprint = ?",
            (record.billed, record.created_at, record.account),
        )

    def find_record(self, uuid: str) -> Record | None:
        return self._one("SELECT * FROM records WHERE uuid = ?", uuid)

    def find_by_storage_key(self, key: str) -> Record | None:
        return self._one("SELECT * FROM records WHERE storage_key = ?", key)

    def find_previous_record(self, record: Record) -> Record | None:
        """The account's record before this one."""
        return self._one(
            "SELECT * FROM records WHERE account = ? AND number < "
            "(SELECT number FROM records WHERE uuid = ?) ORDER BY number DESC LIMIT 1",
            record.account,
            str(record.uuid),
        )

    def _one(self, query: str, *values: str) -> Record | None:
        row = self.db.execute(query, values).fetchone()
        if row is None:
            return None
        return Record(
            uuid=UUID(row["uuid"]),
            account=row["account"],
            created_at=row["created_at"],
            finish_at=row["finish_at"],
            storage_key=row["storage_key"],
            spec=Spec.from_json(json.loads(row["spec"])),
            prompt_object=json.loads(row["prompt_object"]),
            billed=row["billed"],
            used_before=row["used_before"],
            fault_effect=json.loads(row["fault_effect"]),
        )

    # Assets

    def add_asset(self, asset: Asset) -> None:
        self.db.execute(
            "INSERT INTO assets VALUES (:key, :account, :name, :content_type, :size, :created_at)",
            asdict(asset),
        )

    def find_asset(self, key: str, account: str) -> Asset | None:
        row = self.db.execute(
            "SELECT * FROM assets WHERE key = ? AND account = ?", (key, account)
        ).fetchone()
        return None if row is None else Asset(**row)

    # Requests

    def add_request(
        self,
        *,
        at: float,
        kind: str,
        method: str,
        path: str,
        outcome: str,
        account: str | None = None,
        body_sha256: str | None = None,
        prompt: str | None = None,
        uuid: UUID | None = None,
        billed: int = 0,
    ) -> None:
        """`path` has no query string, which may hold a signature."""
        self.db.execute(
            "INSERT INTO requests VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                at, kind, method, path, account, body_sha256, prompt, outcome,
                None if uuid is None else str(uuid), billed,
            ),
        )  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """The answer of `GET /_simulator/summary`. A submission with no uuid made no record."""
        rows = self.db.execute("SELECT * FROM requests WHERE kind = 'features' ORDER BY number")
        submissions = [_submission(row) for row in rows]
        counts: dict[str, dict[str, int]] = {
            "features": {}, "results": {}, "download": {}, "assets": {},
        }  # fmt: skip
        for row in self.db.execute(
            "SELECT kind, outcome, count(*) AS times FROM requests GROUP BY kind, outcome"
        ):
            counts.setdefault(row["kind"], {})[row["outcome"]] = row["times"]
        totals = self.db.execute(
            "SELECT count(*), coalesce(sum(billed), 0) FROM records"
        ).fetchone()
        return {
            "submissions": submissions,
            "prompts": _per_prompt(submissions),
            "records": totals[0],
            "billed_credits": totals[1],
            "requests": {kind: sum(each.values()) for kind, each in counts.items()},
            "outcomes": counts,
        }


def _submission(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "prompt": row["prompt"],
        "uuid": row["uuid"],
        "billed": row["billed"],
        "at": row["at"],
        "outcome": row["outcome"],
        "key_fingerprint": row["account"],
        "body_sha256": row["body_sha256"],
    }


def _per_prompt(submissions: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    prompts: dict[str, dict[str, int]] = {}
    for each in submissions:
        if each["prompt"] is not None:
            entry = prompts.setdefault(each["prompt"], {"submitted": 0, "made": 0, "billed": 0})
            entry["submitted"] += 1
            entry["made"] += each["uuid"] is not None
            entry["billed"] += each["billed"]
    return prompts
