-- What is left of each limit.


-- GCRA: a request moves the theoretical arrival time one step on, and it may run ahead of the clock by
-- at most `p_burst` steps. One further ahead means that the clock was set back or the limits were
-- lowered: the bucket is then empty, and nobody is locked out for hours. A microsecond of slack absorbs
-- rounding. `wait_seconds` is how long one more request has to wait; null if it has not.
CREATE OR REPLACE FUNCTION reelgate_rate(
    p_arrival timestamptz, p_per_minute integer, p_burst integer, p_now timestamptz
) RETURNS TABLE (
    step_seconds double precision,
    window_seconds double precision,
    remaining integer,
    reset_seconds double precision,
    wait_seconds double precision
) LANGUAGE sql IMMUTABLE AS $$
    SELECT s.step, p_burst * s.step, floor((p_burst * s.step - r.reset) / s.step + 1e-6)::integer,
           r.reset,
           CASE WHEN r.reset + s.step - p_burst * s.step > 1e-6
                THEN r.reset + s.step - p_burst * s.step END
      FROM (SELECT 60.0::double precision / p_per_minute AS step) s
     CROSS JOIN LATERAL (
        SELECT least(greatest(extract(epoch FROM p_arrival - p_now)::double precision, 0),
                     p_burst * s.step) AS reset) r
$$;


-- What is left of each limit of a member at `p_now`, and the first limit that refuses a request of
-- `p_quote` credits with this key. Admission, estimates and a member's own view all ask here. `p_for`
-- is one of
--   'view'       every figure, and no lock;
--   'admission'  no further than the first limit that binds, and no account without a limit. The
--                caller holds the member's lock. The team's, where the team has a credit limit, is
--                taken before its credits are read: always after the member's, so two admissions
--                never wait for each other;
--   'replay'     the rate alone: a request that was admitted before uses nothing.
-- `retry_after_seconds` is what a refused caller is told to wait; null where time does not help.
CREATE OR REPLACE FUNCTION reelgate_limits(
    p_key uuid, p_member uuid, p_quote bigint, p_now timestamptz, p_for text
) RETURNS TABLE (
    binding_limit text,
    retry_after_seconds double precision,
    rate_per_minute integer,
    rate_burst integer,
    rate_window_seconds double precision,
    rate_remaining integer,
    rate_reset_seconds double precision,
    key_rate_per_minute integer,
    key_rate_burst integer,
    key_rate_window_seconds double precision,
    key_rate_remaining integer,
    key_rate_reset_seconds double precision,
    max_open integer,
    open_generations bigint,
    key_max_open integer,
    key_open_generations bigint,
    accounts jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_account record;
BEGIN
    SELECT m.status = 'ACTIVE' AND t.status = 'ACTIVE' AS active, p.paused,
           t.id AS team_id, t.credit_limit IS NOT NULL AS team_limited,
           m.rate_per_minute, m.rate_burst, m.max_open, g.*,
           k.account_id, k.rate_per_minute AS key_rate_per_minute, k.rate_burst AS key_rate_burst,
           k.max_open AS key_max_open, kg.window_seconds AS key_window_seconds,
           kg.remaining AS key_remaining, kg.reset_seconds AS key_reset_seconds,
           kg.wait_seconds AS key_wait_seconds
      INTO STRICT v
      FROM members m JOIN teams t ON t.id = m.team_id
      JOIN rate_states r ON r.member_id = m.id
      JOIN pauses p ON p.name = 'admission'
      LEFT JOIN api_keys k ON k.id = p_key
      LEFT JOIN key_rate_states kr ON kr.account_id = k.account_id
     CROSS JOIN LATERAL reelgate_rate(r.arrival_at, m.rate_per_minute, m.rate_burst, p_now) g
      LEFT JOIN LATERAL reelgate_rate(kr.arrival_at, k.rate_per_minute, k.rate_burst, p_now) kg
             ON k.rate_per_minute IS NOT NULL
     WHERE m.id = p_member;
    rate_per_minute := v.rate_per_minute;
    rate_burst := v.rate_burst;
    rate_window_seconds := v.window_seconds;
    rate_remaining := v.remaining;
    rate_reset_seconds := v.reset_seconds;
    max_open := v.max_open;
    key_rate_per_minute := v.key_rate_per_minute;
    key_rate_burst := v.key_rate_burst;
    key_rate_window_seconds := v.key_window_seconds;
    key_rate_remaining := v.key_remaining;
    key_rate_reset_seconds := v.key_reset_seconds;
    key_max_open := v.key_max_open;

    IF NOT v.active THEN
        binding_limit := 'suspended';
    ELSIF v.paused THEN
        binding_limit := 'paused';
        retry_after_seconds := 60;
    ELSIF v.wait_seconds IS NOT NULL THEN
        binding_limit := 'rate_per_minute';
        retry_after_seconds := v.wait_seconds;
    ELSIF v.key_wait_seconds IS NOT NULL THEN
        binding_limit := 'key_rate_per_minute';
        retry_after_seconds := v.key_wait_seconds;
    END IF;
    IF p_for = 'replay' OR (p_for = 'admission' AND binding_limit IS NOT NULL) THEN
        RETURN NEXT; RETURN;
    END IF;

    SELECT count(*) INTO open_generations FROM generations g
     WHERE g.member_id = p_member AND g.state IN ('queued', 'submitting', 'running');
    IF key_max_open IS NOT NULL THEN
        SELECT count(*) INTO key_open_generations
          FROM generations g JOIN api_keys k ON k.id = g.api_key_id
         WHERE g.member_id = p_member AND g.state IN ('queued', 'submitting', 'running')
           AND k.account_id = v.account_id;
    END IF;
    IF binding_limit IS NULL AND (open_generations >= max_open OR key_open_generations >= key_max_open)
    THEN
        binding_limit := CASE WHEN open_generations >= max_open THEN 'max_open'
                              ELSE 'key_max_open' END;
        retry_after_seconds := 10;
        IF p_for = 'admission' THEN
            RETURN NEXT; RETURN;
        END IF;
    END IF;

    IF p_for = 'admission' AND v.team_limited THEN
        -- Read again with the lock: an operator may have changed it while this one waited.
        PERFORM FROM teams t WHERE t.id = v.team_id AND t.status = 'ACTIVE' FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            binding_limit := 'suspended';
            RETURN NEXT; RETURN;
        END IF;
    END IF;
    accounts := '[]';
    FOR v_account IN
        SELECT c.kind, c.credit_limit, c.period, c.time_zone, b.held, b.settled,
               g.granted,
               reelgate_period_ends_at(c.period, c.time_zone, c.period_on) AS resets_at
          FROM reelgate_accounts(p_key, p_member, p_now) c
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(b.held), 0)::bigint AS held,
                   coalesce(sum(b.settled), 0)::bigint AS settled
              FROM balances b
             WHERE b.account_id = c.account_id AND b.period_on = c.period_on) b
         CROSS JOIN LATERAL reelgate_granted(c.account_id, p_now) g
         WHERE p_for = 'view' OR c.credit_limit IS NOT NULL
         ORDER BY c.rank
    LOOP
        accounts := accounts || to_jsonb(v_account);
        IF binding_limit IS NULL
            AND v_account.held + v_account.settled + p_quote
                > v_account.credit_limit + v_account.granted
        THEN
            binding_limit := v_account.kind || '_credit_limit';
            -- A new period helps, unless the whole limit is too little.
            IF p_quote <= v_account.credit_limit THEN
                retry_after_seconds := extract(epoch FROM v_account.resets_at - p_now);
            END IF;
        END IF;
    END LOOP;
    RETURN NEXT;
END $$;
