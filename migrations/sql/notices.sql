-- Notices: an account has reached so many percent of its limit.


-- An event about the credits of a member, or of a team, if `p_member` is null, with a delivery and a
-- job for each endpoint that asks for such. A team's event is for the endpoints of the whole team.
CREATE OR REPLACE FUNCTION reelgate_tell(
    p_team uuid, p_member uuid, p_type text, p_data jsonb, p_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    WITH event AS (
        INSERT INTO events (team_id, member_id, type, data, created_at)
        VALUES (p_team, p_member, p_type, p_data, p_at) RETURNING id
    ), receivers AS (
        SELECT w.id FROM webhook_endpoints w
         WHERE w.team_id = p_team AND (w.member_id IS NULL OR w.member_id = p_member)
           AND w.state = 'enabled' AND w.event_types ? p_type
           -- One that is being deleted is waited for: a row that points to it would undo all.
           FOR KEY SHARE OF w
    ), made AS (
        INSERT INTO webhook_deliveries
               (id, team_id, member_id, endpoint_id, event_id, data, type, next_attempt_at)
        SELECT gen_random_uuid(), p_team, p_member, r.id, e.id, p_data, p_type, now()
          FROM event e CROSS JOIN receivers r
        RETURNING id
    )
    SELECT reelgate_enqueue('deliver', id, 0, NULL) FROM made
$$;


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


-- Makes the notices that are due for these accounts at `p_at`, and tells of them: one for each of
-- these percents of its limit that an account has reached, unless it has one in this period.
-- `p_refused` is an account whose limit has refused a request: it has reached 100, however little is
-- used. Whoever adds to what an account used holds a lock against others that do, so nobody passes a
-- threshold unseen.
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
    ), reached AS (
        SELECT gen_random_uuid() AS notice_id, b.*, c.percent::integer AS percent
          FROM budgets b CROSS JOIN jsonb_array_elements_text(p_percents) c(percent)
         WHERE b.held + b.settled > 0
               AND (b.held + b.settled) * 100 >= c.percent::bigint * (b.credit_limit + b.granted)
            OR b.id = p_refused AND c.percent = '100'
    ), made AS (
        INSERT INTO notices (
            id, account_id, kind, team_id, member_id, period, period_on, percent, data, created_at)
        SELECT r.notice_id, r.id, r.kind, r.team_id, r.member_id, r.period, r.period_on, r.percent,
               jsonb_build_object(
                   'id', r.notice_id, 'percent', r.percent, 'created_at', p_at,
                   'team', jsonb_build_object('id', r.team_id, 'name', r.team_name),
                   'member', (SELECT jsonb_build_object('id', m.id, 'name', m.name)
                                FROM members m WHERE m.id = r.member_id),
                   'key', (SELECT jsonb_build_object('id', k.id, 'name', k.name, 'prefix', k.prefix)
                             FROM api_keys k WHERE k.id = r.key_id),
                   'account', jsonb_build_object(
                       'kind', r.kind, 'credit_limit', r.credit_limit, 'granted', r.granted,
                       'period', r.period, 'time_zone', r.time_zone, 'held', r.held,
                       'settled', r.settled, 'resets_at',
                       reelgate_period_ends_at(r.period, r.time_zone, r.period_on))),
               p_at
          FROM reached r
         ORDER BY r.rank, r.id, r.percent
        ON CONFLICT (account_id, period, period_on, percent) DO NOTHING
        RETURNING kind, team_id, member_id, percent, data, account_id
    )
    SELECT reelgate_tell(t.team_id, t.member_id, 'budget.threshold', t.data, p_at)
      FROM (SELECT * FROM made ORDER BY kind, account_id, percent) t
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
