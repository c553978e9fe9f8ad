-- Accounts: where credits are counted, and in which period.


-- The first day of the period of an account that `p_at` is in, in its time zone. One day and not an
-- instant, because a midnight can come twice, or not at all.
CREATE OR REPLACE FUNCTION reelgate_period_on(p_period text, p_zone text, p_at timestamptz)
RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_period = 'none' THEN '-infinity'::date
                ELSE date_trunc(p_period, p_at AT TIME ZONE p_zone)::date END
$$;

-- When the period that begins on this day ends: the first instant of the next one. Null if it does
-- not end. Where clocks are set back at midnight there are two midnights, and the earlier one counts.
CREATE OR REPLACE FUNCTION reelgate_period_ends_at(p_period text, p_zone text, p_on date)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (n.at - interval '1 hour') AT TIME ZONE p_zone >= n.day
                THEN n.at - interval '1 hour' ELSE n.at END
      FROM (SELECT d.day, d.day AT TIME ZONE p_zone AS at
              FROM (SELECT p_on + ('1 ' || p_period)::interval AS day
                     WHERE p_period <> 'none') d) n
$$;


-- Of a caller's key, member and team: the transactions that wrote their rows last. Equal versions are
-- of the same rows.
CREATE OR REPLACE FUNCTION reelgate_version(p_key xid, p_member xid, p_team xid)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT p_key::text || '.' || p_member::text || '.' || p_team::text
$$;


-- The accounts in which a request of a member counts: its key's (where a key is given), its own, and
-- its team's. Whoever changes several takes them by their rank.
CREATE OR REPLACE FUNCTION reelgate_accounts(p_key uuid, p_member uuid, p_at timestamptz)
RETURNS TABLE (
    rank integer, kind text, account_id uuid, credit_limit bigint, period text, time_zone text,
    period_on date
) LANGUAGE sql STABLE AS $$
    SELECT a.rank, a.kind, a.id, a.credit_limit, a.period, t.time_zone,
           reelgate_period_on(a.period, t.time_zone, p_at)
      FROM members m JOIN teams t ON t.id = m.team_id
      LEFT JOIN api_keys k ON k.id = p_key
     CROSS JOIN LATERAL (VALUES
        (1, 'key', k.account_id, k.credit_limit, k.credit_period),
        (2, 'member', m.id, m.credit_limit, m.credit_period),
        (3, 'team', t.id, t.credit_limit, t.credit_period)) a(rank, kind, id, credit_limit, period)
     WHERE m.id = p_member AND a.id IS NOT NULL
$$;


-- What is granted to an account at this instant, beside its limit. A grant ends by the clock, and no
-- job takes it away. All grants together count for at most what a limit can be, so that no sum is out
-- of range. A set of one row, because Postgres makes that a part of the query that asks.
CREATE OR REPLACE FUNCTION reelgate_granted(p_account uuid, p_at timestamptz)
RETURNS TABLE (granted bigint) LANGUAGE sql STABLE AS $$
    SELECT least(coalesce(sum(g.credits), 0), 1000000000000000)::bigint FROM grants g
     WHERE g.account_id = p_account AND g.created_at <= p_at AND g.ends_at > p_at
$$;
