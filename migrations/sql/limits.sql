-- What is left of each limit.


-- GCRA: a request moves the theoretical arrival time one step on, and it may run ahead of the clock by
-- at most `p_burst` steps. One further ahead means that the clock was set back or the limits were
-- lowered: the bucket is then empty, and nobody is locked out for hours. A microsecond of slack absorbs
-- rounding. `wait_seconds` is how long one more request has to wait; null if it has not.
CREATE OR REPLACE FUNCTION reelgate_gcra(
    p_arrival timestamptz, p_per_minute integer, p_burst integer, p_now timestamptz,
    OUT window_seconds double precision, OUT remaining integer, OUT reset_seconds double precision,
    OUT wait_seconds double precision
) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_step double precision := 60.0::double precision / p_per_minute;
BEGIN
    window_seconds := p_burst * v_step;
    reset_seconds := least(
        greatest(extract(epoch FROM p_arrival - p_now)::double precision, 0), window_seconds);
    remaining := floor((window_seconds - reset_seconds) / v_step + 1e-6)::integer;
    IF reset_seconds + v_step - window_seconds > 1e-6 THEN
        wait_seconds := reset_seconds + v_step - window_seconds;
    END IF;
END $$;


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
    v_active boolean;
    v_paused boolean;
    v_team uuid;
    v_team_limited boolean;
    v_key_account uuid;
    v_arrival timestamptz;
    v_key_arrival timestamptz;
    v_wait double precision;
    v_key_wait double precision;
    v_rate record;
    v_account record;
BEGIN
    SELECT m.status = 'ACTIVE' AND t.status = 'ACTIVE', p.paused, t.id, t.credit_limit IS NOT NULL,
           m.rate_per_minute, m.rate_burst, m.max_open, r.arrival_at
      INTO STRICT v_active, v_paused, v_team, v_team_limited,
           rate_per_minute, rate_burst, max_open, v_arrival
      FROM members m JOIN teams t ON t.id = m.team_id
      JOIN rate_states r ON r.member_id = m.id
      JOIN pauses p ON p.name = 'admission'
     WHERE m.id = p_member;
    v_rate := reelgate_gcra(v_arrival, rate_per_minute, rate_burst, p_now);
    rate_window_seconds := v_rate.window_seconds;
    rate_remaining := v_rate.remaining;
    rate_reset_seconds := v_rate.reset_seconds;
    v_wait := v_rate.wait_seconds;
    IF p_key IS NOT NULL THEN
        SELECT k.account_id, k.rate_per_minute, k.rate_burst, k.max_open, r.arrival_at
          INTO v_key_account, key_rate_per_minute, key_rate_burst, key_max_open, v_key_arrival
          FROM api_keys k LEFT JOIN key_rate_states r ON r.account_id = k.account_id
         WHERE k.id = p_key;
    END IF;
    IF key_rate_per_minute IS NOT NULL THEN
        v_rate := reelgate_gcra(v_key_arrival, key_rate_per_minute, key_rate_burst, p_now);
        key_rate_window_seconds := v_rate.window_seconds;
        key_rate_remaining := v_rate.remaining;
        key_rate_reset_seconds := v_rate.reset_seconds;
        v_key_wait := v_rate.wait_seconds;
    END IF;

    IF NOT v_active THEN
        binding_limit := 'suspended';
    ELSIF v_paused THEN
        binding_limit := 'paused';
        retry_after_seconds := 60;
    ELSIF v_wait IS NOT NULL THEN
        binding_limit := 'rate_per_minute';
        retry_after_seconds := v_wait;
    ELSIF v_key_wait IS NOT NULL THEN
        binding_limit := 'key_rate_per_minute';
        retry_after_seconds := v_key_wait;
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
           AND k.account_id = v_key_account;
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

    IF p_for = 'admission' AND v_team_limited THEN
        -- Read again with the lock: an operator may have changed it while this one waited.
        PERFORM FROM teams t WHERE t.id = v_team AND t.status = 'ACTIVE' FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            binding_limit := 'suspended';
            RETURN NEXT; RETURN;
        END IF;
    END IF;
    accounts := '[]';
    FOR v_account IN
        SELECT c.kind, c.credit_limit, c.period, c.time_zone, b.held, b.settled,
               g.granted, CASE WHEN c.period <> 'none'
                   THEN reelgate_period_ends_at(c.period, c.time_zone, c.period_on) END AS resets_at
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
