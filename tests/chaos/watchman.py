"""The check of the caps that runs inside the database: every transaction that touches the ledger is
looked at when it commits.

An advisory lock for each member, and then for its team, is held from the look to the end of the
commit, so the next look's snapshot has everything that was committed before: no two transactions
overshoot together unseen. What is found is written by the offending transaction itself and is kept
if, and only if, that one is.
"""

from __future__ import annotations

import psycopg

from app.db.session import driver_conninfo

INSTALL = """
CREATE TABLE chaos_overshoots (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), whose text NOT NULL, id uuid NOT NULL,
    generation_id uuid NOT NULL, used bigint NOT NULL, credit_limit bigint NOT NULL
);
CREATE SEQUENCE chaos_looks;

CREATE FUNCTION chaos_look() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_used bigint;
    v_limit bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member ' || NEW.member_id, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('team ' || NEW.team_id, 0));
    PERFORM nextval('chaos_looks');
    SELECT sum(held + settled) INTO v_used FROM ledger_entries WHERE member_id = NEW.member_id;
    SELECT credit_limit INTO v_limit FROM members WHERE id = NEW.member_id;
    IF v_used > v_limit THEN
        INSERT INTO chaos_overshoots (whose, id, generation_id, used, credit_limit)
        VALUES ('member', NEW.member_id, NEW.generation_id, v_used, v_limit);
    END IF;
    SELECT credit_limit INTO v_limit FROM teams WHERE id = NEW.team_id;
    IF v_limit IS NOT NULL THEN
        SELECT sum(held + settled) INTO v_used FROM ledger_entries WHERE team_id = NEW.team_id;
        IF v_used > v_limit THEN
            INSERT INTO chaos_overshoots (whose, id, generation_id, used, credit_limit)
            VALUES ('team', NEW.team_id, NEW.generation_id, v_used, v_limit);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER chaos_look AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_look();
"""


def install(address: str) -> None:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(INSTALL)
