"""A Postgres without room: whatever would write a row is refused as a full disk refuses it.

A truly full disk would need one of its own, which only root may mount.
"""

from __future__ import annotations

import psycopg

from app.db.session import driver_conninfo

#: On every table there is, those of the run itself left out.
INSTALL = """
CREATE TABLE chaos_full (since timestamptz NOT NULL DEFAULT now());

CREATE FUNCTION chaos_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM chaos_full) THEN
        RAISE EXCEPTION 'could not extend file: No space left on device'
              USING ERRCODE = 'disk_full';
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables
                 WHERE schemaname = 'public' AND tablename NOT LIKE 'chaos_%' LOOP
        EXECUTE format('CREATE TRIGGER chaos_room BEFORE INSERT OR UPDATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION chaos_room()', name);
    END LOOP;
END $$;
"""


def install(address: str) -> None:
    _execute(address, INSTALL)


def fill(address: str) -> None:
    _execute(address, "INSERT INTO chaos_full DEFAULT VALUES")


def make_room(address: str) -> None:
    _execute(address, "DELETE FROM chaos_full")


def _execute(address: str, statements: str) -> None:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(statements.encode())
