"""What a database has to be for Reelgate to work on it, beyond its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from app.db import tables
from app.db.session import POOLER, Database, Tx

UTF8_DATABASE = (
    "Reelgate needs UTF8: make another one with `createdb --template=template0 --encoding=UTF8`"
)


@dataclass(frozen=True, slots=True)
class Unmet:
    """`detail` may be shown to anybody, `remedy` is for operators. `lasting`: no process can work
    on the database until somebody has changed it; what is not may end by itself, as a failover
    does."""

    detail: str
    remedy: str
    lasting: bool = True

    def __str__(self) -> str:
        return f"{self.detail}; {self.remedy}"


async def unmet(tx: Tx, db: Database) -> list[Unmet]:
    """`tx` is a connection of `db`."""
    pins = db.pins
    ours = list(tables.generations.metadata.tables)
    row = (await tx.execute(_QUERY, {"names": list(pins), "tables": ours})).one()
    found = []
    if row.encoding != "UTF8":
        found.append(Unmet(f"The database's encoding is {row.encoding}", UTF8_DATABASE))
    if row.standby or row.read_only:
        found.append(
            Unmet(
                "The database is a standby" if row.standby else "The database is read-only",
                "DATABASE_URL must lead to the primary"
                if row.standby
                else "look for `default_transaction_read_only` in its settings and its role's",
                lasting=False,
            )
        )
    if not row.usable:
        found.append(
            Unmet(
                "The database's role may not use the schema public",
                f"run `GRANT USAGE ON SCHEMA public TO {row.role}`",
            )
        )
    elif row.closed:
        found.append(
            Unmet(
                f"The database's role lacks privileges on {', '.join(row.closed)}",
                "connect as the owner, or run `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES "
                f"IN SCHEMA public TO {row.role}` and `GRANT USAGE ON ALL SEQUENCES IN SCHEMA "
                f"public TO {row.role}`",
            )
        )
    other = {name: value for name, value in pins.items() if row.settings.get(name) != value}
    if other:
        found.append(
            Unmet(
                f"Sessions with the database are not as Reelgate needs them ({', '.join(other)})",
                _session_remedy(db, row.role, row.name, other),
            )
        )
    return found


def _session_remedy(db: Database, role: str, name: str, other: Mapping[str, str]) -> str:
    if not db.pooler:
        return POOLER
    statements = [
        f"ALTER ROLE {role} IN DATABASE {name} SET {setting} = '{value}';"
        for setting, value in other.items()
    ]
    return f"run `{' '.join(statements)}`, then have the pooler connect anew (`RECONNECT`)"


_QUERY = text(
    """
    SELECT current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS standby,
           current_setting('transaction_read_only')::boolean AS read_only,
           quote_ident(current_user) AS role, quote_ident(current_database()) AS name,
           coalesce(has_schema_privilege(to_regnamespace('public'), 'USAGE'), false) AS usable,
           (SELECT jsonb_object_agg(name, current_setting(name, true))
              FROM unnest(CAST(:names AS text[])) AS name) AS settings,
           ARRAY(
               SELECT relname::text FROM pg_class
                WHERE relnamespace = to_regnamespace('public')
                  AND CASE
                      WHEN relkind = 'S' AND relname LIKE 'procrastinate\\_%'
                      THEN NOT has_sequence_privilege(oid, 'USAGE')
                      WHEN relkind <> 'r' THEN false
                      WHEN relname = 'alembic_version' THEN NOT has_table_privilege(oid, 'SELECT')
                      WHEN relname = 'audit_log'
                      THEN NOT (has_table_privilege(oid, 'SELECT')
                                AND has_table_privilege(oid, 'INSERT'))
                      WHEN relname = ANY(CAST(:tables AS text[]))
                           OR relname LIKE 'procrastinate\\_%'
                      THEN NOT (has_table_privilege(oid, 'SELECT')
                                AND has_table_privilege(oid, 'INSERT')
                                AND has_table_privilege(oid, 'UPDATE')
                                AND has_table_privilege(oid, 'DELETE'))
                      ELSE false END
                ORDER BY relname
           ) AS closed
    """
)
