-- The ledger, and the balances that it moves.


-- An entry of the ledger, and the balances moved by it. The entry comes first: it refers to key, member
-- and team, so whoever changes the period of one of them, and locks it against that, goes before this
-- or after it.
CREATE OR REPLACE FUNCTION reelgate_enter(
    p_generation uuid, p_team uuid, p_member uuid, p_key uuid, p_kind text, p_held bigint,
    p_settled bigint, p_counts_at timestamptz, p_at timestamptz, p_reason text DEFAULT NULL,
    p_actor text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
    v_entry bigint;
BEGIN
    INSERT INTO ledger_entries (
        generation_id, team_id, member_id, api_key_id, kind, held, settled, counts_at, created_at,
        reason, actor)
    VALUES (
        p_generation, p_team, p_member, p_key, p_kind, p_held, p_settled, p_counts_at, p_at,
        p_reason, p_actor)
    RETURNING id INTO v_entry;
    IF p_kind = 'hold' THEN
        INSERT INTO balances AS b (account_id, period_on, member_id, held, settled)
        SELECT a.account_id, a.period_on, p_member, p_held, 0
          FROM reelgate_accounts(p_key, p_member, p_counts_at) a ORDER BY a.rank
            ON CONFLICT (account_id, period_on, member_id) DO UPDATE
           SET held = b.held + excluded.held;
        RETURN;
    END IF;
    IF p_settled <> 0 THEN
        INSERT INTO unclosed_entries VALUES (p_team, p_counts_at, v_entry);
    END IF;
    FOR v_account IN
        SELECT a.account_id, a.period_on FROM reelgate_accounts(p_key, p_member, p_counts_at) a
         ORDER BY a.rank
    LOOP
        UPDATE balances b SET held = b.held + p_held, settled = b.settled + p_settled
         WHERE b.account_id = v_account.account_id AND b.period_on = v_account.period_on
           AND b.member_id = p_member;
        IF NOT FOUND THEN
            INSERT INTO balances (account_id, period_on, member_id, held, settled)
            VALUES (v_account.account_id, v_account.period_on, p_member, p_held, p_settled);
        END IF;
    END LOOP;
END $$;


-- Ends the hold of a generation: settles `p_settle` credits, or releases it if that is 0. Changes
-- nothing if it has ended. The sums of its upstream key come last: every transaction that locks them
-- has its balances before.
CREATE OR REPLACE FUNCTION reelgate_close_hold(p_generation uuid, p_settle bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_key integer;
    v_hold ledger_entries%ROWTYPE;
BEGIN
    UPDATE generations g SET settled = p_settle WHERE g.id = p_generation AND g.settled IS NULL
    RETURNING g.upstream_key_id INTO v_key;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT v_hold FROM ledger_entries l
     WHERE l.generation_id = p_generation AND l.kind = 'hold';
    PERFORM reelgate_enter(
        p_generation, v_hold.team_id, v_hold.member_id, v_hold.api_key_id,
        CASE WHEN p_settle > 0 THEN 'settle' ELSE 'release' END, -v_hold.held, p_settle,
        v_hold.counts_at, now());
    PERFORM reelgate_count_usage(p_generation, 1, p_settle);
    IF v_key IS NOT NULL THEN
        INSERT INTO upstream_watermarks AS w (upstream_key_id, settled, released)
        VALUES (v_key, p_settle, v_hold.held - p_settle)
        ON CONFLICT (upstream_key_id) DO UPDATE
           SET settled = w.settled + excluded.settled, released = w.released + excluded.released;
    END IF;
END $$;


-- Changes what a generation whose hold has ended has cost to `p_settled` credits, in the period that
-- it counts in. Changes nothing while the hold is open, or where it has cost that already.
CREATE OR REPLACE FUNCTION reelgate_correct(
    p_generation uuid, p_settled bigint, p_reason text, p_actor text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_before bigint;
    v_hold ledger_entries%ROWTYPE;
BEGIN
    SELECT g.settled INTO v_before FROM generations g WHERE g.id = p_generation FOR NO KEY UPDATE;
    IF v_before IS NULL OR v_before = p_settled THEN
        RETURN;
    END IF;
    UPDATE generations g SET settled = p_settled WHERE g.id = p_generation;
    SELECT * INTO STRICT v_hold FROM ledger_entries l
     WHERE l.generation_id = p_generation AND l.kind = 'hold';
    PERFORM reelgate_enter(
        p_generation, v_hold.team_id, v_hold.member_id, v_hold.api_key_id, 'correct', 0,
        p_settled - v_before, v_hold.counts_at, now(), p_reason, p_actor);
    PERFORM reelgate_count_usage(p_generation, 0, p_settled - v_before);
END $$;


-- What the ledger adds up to: of each account, in each of its periods, for each member. The balances
-- say the same.
CREATE OR REPLACE VIEW ledger_by_account AS
    SELECT a.id AS account_id, reelgate_period_on(a.period, t.time_zone, l.counts_at) AS period_on,
           l.member_id, sum(l.held)::bigint AS held, sum(l.settled)::bigint AS settled
      FROM ledger_entries l JOIN teams t ON t.id = l.team_id JOIN members m ON m.id = l.member_id
      JOIN api_keys k ON k.id = l.api_key_id
     CROSS JOIN LATERAL (VALUES
        (k.account_id, k.credit_period), (m.id, m.credit_period), (t.id, t.credit_period)) a(id, period)
     GROUP BY 1, 2, 3;
