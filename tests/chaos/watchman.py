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
    v_team record;
    v_member record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member ' || NEW.member_id, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('team ' || NEW.team_id, 0));
    PERFORM nextval('chaos_looks');
    SELECT * INTO v_team FROM teams WHERE id = NEW.team_id;
    SELECT * INTO v_member FROM members WHERE id = NEW.member_id;
    PERFORM chaos_compare('member', NEW, v_member.id, v_member.credit_limit, v_member.credit_period,
                          v_team.time_zone);
    PERFORM chaos_compare('team', NEW, v_team.id, v_team.credit_limit, v_team.credit_period,
                          v_team.time_zone);
    RETURN NULL;
END $$;

-- What was used in the period of this entry may be no more than its account was allowed when it was
-- admitted. What was granted may have ended since, so only what takes credits is compared.
CREATE FUNCTION chaos_compare(
    p_whose text, p_entry ledger_entries, p_account uuid, p_limit bigint, p_period text, p_zone text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_used bigint;
    v_allowed bigint := p_limit;
BEGIN
    IF p_limit IS NULL OR p_entry.kind <> 'hold' THEN
        RETURN;
    END IF;
    SELECT sum(l.held + l.settled) INTO v_used FROM ledger_entries l
     WHERE CASE p_whose WHEN 'member' THEN l.member_id ELSE l.team_id END = p_account
       AND (p_period = 'none'
            OR date_trunc(p_period, l.counts_at AT TIME ZONE p_zone)
             = date_trunc(p_period, p_entry.counts_at AT TIME ZONE p_zone));
    SELECT v_allowed + coalesce(sum(g.credits), 0) INTO v_allowed FROM grants g
     WHERE g.account_id = p_account AND g.created_at <= p_entry.counts_at
       AND g.ends_at > p_entry.counts_at;
    IF v_used > v_allowed THEN
        INSERT INTO chaos_overshoots (whose, id, generation_id, used, credit_limit)
        VALUES (p_whose, p_account, p_entry.generation_id, v_used, v_allowed);
    END IF;
END $$;

CREATE CONSTRAINT TRIGGER chaos_look AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_look();
"""


def install(address: str) -> None:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(INSTALL)
