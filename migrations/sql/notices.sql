-- Notices: an account has reached so many percent of its limit.


-- Whether `p_quote` credits more take one of these accounts, as `reelgate_limits` gives them, over
-- one of these percents of its limit. Arithmetic alone: every admission asks.
CREATE OR REPLACE FUNCTION reelgate_crosses(p_percents jsonb, p_accounts jsonb, p_quote bigint)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_account jsonb;
    v_of bigint;
    v_used bigint;
    v_before bigint;
    v_after bigint;
BEGIN
    FOR i IN 0 .. jsonb_array_length(p_accounts) - 1 LOOP
        v_account := p_accounts -> i;
        v_of := (v_account ->> 'credit_limit')::bigint + (v_account ->> 'granted')::bigint;
        CONTINUE WHEN coalesce(v_of, 0) = 0;
        v_used := (v_account ->> 'held')::bigint + (v_account ->> 'settled')::bigint;
        v_before := v_used * 100 / v_of;
        v_after := (v_used + p_quote) * 100 / v_of;
        CONTINUE WHEN v_before = v_after;
        FOR j IN 0 .. jsonb_array_length(p_percents) - 1 LOOP
            IF (p_percents -> j)::integer > v_before AND (p_percents -> j)::integer <= v_after THEN
                RETURN true;
            END IF;
        END LOOP;
    END LOOP;
    RETURN false;
END $$;


-- Makes the notices that are due for these accounts at `p_at`: one for each of these percents of its
-- limit that an account has reached, unless it has one in this period. `p_refused` is an account
-- whose limit has refused a request: it has reached 100, however little is used. Whoever adds to
-- what an account used holds a lock against others that do, so nobody passes a threshold unseen.
--
-- A key's account is named after its newest key.
CREATE OR REPLACE FUNCTION reelgate_notice(
    p_percents jsonb, p_accounts uuid[], p_refused uuid, p_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    WITH accounts AS (
        SELECT 3 AS rank, 'team' AS kind, t.id, t.id AS team_id, NULL::uuid AS member_id,
               NULL::uuid AS key_id, t.credit_limit, t.credit_period AS period
          FROM teams t WHERE t.id = ANY(p_accounts)
         UNION ALL
        SELECT 2, 'member', m.id, m.team_id, m.id, NULL, m.credit_limit, m.credit_period
          FROM members m WHERE m.id = ANY(p_accounts)
         UNION ALL
        (SELECT DISTINCT ON (k.account_id)
                1, 'key', k.account_id, m.team_id, m.id, k.id, k.credit_limit, k.credit_period
           FROM api_keys k JOIN members m ON m.id = k.member_id
          WHERE k.account_id = ANY(p_accounts)
          ORDER BY k.account_id, k.created_at DESC, k.id DESC)
    ), budgets AS (
        SELECT a.*, t.name AS team_name, t.time_zone, p.period_on, b.held, b.settled, g.granted
          FROM accounts a JOIN teams t ON t.id = a.team_id
         CROSS JOIN LATERAL (
            SELECT reelgate_period_on(a.period, t.time_zone, p_at) AS period_on) p
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(x.held), 0)::bigint AS held,
                   coalesce(sum(x.settled), 0)::bigint AS settled
              FROM balances x WHERE x.account_id = a.id AND x.period_on = p.period_on) b
         CROSS JOIN LATERAL reelgate_granted(a.id, p_at) g
    )
    INSERT INTO notices (
        id, account_id, kind, team_id, member_id, period, period_on, percent, data, created_at)
    SELECT gen_random_uuid(), b.id, b.kind, b.team_id, b.member_id, b.period, b.period_on,
           c.percent::integer,
           jsonb_build_object(
               'team', jsonb_build_object('id', b.team_id, 'name', b.team_name),
               'member', CASE WHEN m.id IS NOT NULL
                              THEN jsonb_build_object('id', m.id, 'name', m.name) END,
               'key', CASE WHEN k.id IS NOT NULL
                           THEN jsonb_build_object('id', k.id, 'name', k.name, 'prefix', k.prefix)
                           END,
               'credit_limit', b.credit_limit, 'granted', b.granted, 'held', b.held,
               'settled', b.settled, 'time_zone', b.time_zone,
               'resets_at', reelgate_period_ends_at(b.period, b.time_zone, b.period_on)),
           p_at
      FROM budgets b CROSS JOIN jsonb_array_elements_text(p_percents) c(percent)
      LEFT JOIN members m ON m.id = b.member_id
      LEFT JOIN api_keys k ON k.id = b.key_id
     WHERE b.held + b.settled > 0
           AND (b.held + b.settled) * 100 >= c.percent::bigint * (b.credit_limit + b.granted)
        OR b.id = p_refused AND c.percent = '100'
     ORDER BY b.rank, b.id, c.percent::integer
    ON CONFLICT (account_id, period, period_on, percent) DO NOTHING
$$;


-- The same for the accounts in which a request counts. `p_outcome` is that of its admission.
CREATE OR REPLACE FUNCTION reelgate_notice_request(
    p_percents jsonb, p_key uuid, p_member uuid, p_outcome text, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_accounts uuid[];
    v_refused uuid;
BEGIN
    IF p_outcome = 'accepted' THEN
        SELECT array_agg(a.account_id) INTO v_accounts FROM reelgate_accounts(p_key, p_member, p_at) a;
    ELSE
        -- A refused caller may try again and again.
        SELECT a.account_id INTO v_refused FROM reelgate_accounts(p_key, p_member, p_at) a
         WHERE a.kind || '_credit_limit' = p_outcome
           AND NOT EXISTS (
            SELECT FROM notices n
             WHERE n.account_id = a.account_id AND n.period = a.period
               AND n.period_on = a.period_on AND n.percent = 100);
        IF v_refused IS NULL OR NOT p_percents @> '100' THEN
            RETURN;
        END IF;
        v_accounts := ARRAY[v_refused];
    END IF;
    PERFORM reelgate_notice(p_percents, v_accounts, v_refused, p_at);
END $$;
