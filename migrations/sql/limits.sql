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
) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    step_seconds := 60.0 / p_per_minute;
    window_seconds := p_burst * step_seconds;
    reset_seconds := least(
        greatest(extract(epoch FROM p_arrival - p_now)::double precision, 0), window_seconds);
    remaining := floor((window_seconds - reset_seconds) / step_seconds + 1e-6);
    wait_seconds := reset_seconds + step_seconds - window_seconds;
    IF wait_seconds <= 1e-6 THEN
        wait_seconds := NULL;
    END IF;
    RETURN NEXT;
END $$;


-- What is left of each limit of a member at `p_now`, and the first limit that refuses a request of
-- `p_quote` credits with this key. Admission, estimates and a member's own view all ask here. `p_for`
-- is one of
--   'view'       every figure, and no lock;
--   'admission'  no further than the first limit that binds. The caller holds the member's lock. The
--                team's, where the team has a credit limit, is taken before its credits are read:
--                always after the member's, so two admissions never wait for each other;
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
    v_member members%ROWTYPE;
    v_team teams%ROWTYPE;
    v_key api_keys%ROWTYPE;
    v_rate record;
    v_key_wait double precision;
    v_account record;
BEGIN
    SELECT * INTO STRICT v_member FROM members m WHERE m.id = p_member;
    SELECT * INTO STRICT v_team FROM teams t WHERE t.id = v_member.team_id;
    SELECT * INTO v_key FROM api_keys k WHERE k.id = p_key;
    rate_per_minute := v_member.rate_per_minute;
    rate_burst := v_member.rate_burst;
    max_open := v_member.max_open;
    key_rate_per_minute := v_key.rate_per_minute;
    key_rate_burst := v_key.rate_burst;
    key_max_open := v_key.max_open;

    SELECT g.* INTO STRICT v_rate FROM rate_states r
     CROSS JOIN LATERAL reelgate_rate(r.arrival_at, rate_per_minute, rate_burst, p_now) g
     WHERE r.member_id = p_member;
    rate_window_seconds := v_rate.window_seconds;
    rate_remaining := v_rate.remaining;
    rate_reset_seconds := v_rate.reset_seconds;
    IF key_rate_per_minute IS NOT NULL THEN
        SELECT g.window_seconds, g.remaining, g.reset_seconds, g.wait_seconds
          INTO STRICT key_rate_window_seconds, key_rate_remaining, key_rate_reset_seconds, v_key_wait
          FROM reelgate_rate(
            (SELECT r.arrival_at FROM key_rate_states r WHERE r.account_id = v_key.account_id),
            key_rate_per_minute, key_rate_burst, p_now) g;
    END IF;

    IF v_member.status <> 'ACTIVE' OR v_team.status <> 'ACTIVE' THEN
        binding_limit := 'suspended';
    ELSIF (SELECT p.paused FROM pauses p WHERE p.name = 'admission') THEN
        binding_limit := 'paused';
        retry_after_seconds := 60;
    ELSIF v_rate.wait_seconds IS NOT NULL THEN
        binding_limit := 'rate_per_minute';
        retry_after_seconds := v_rate.wait_seconds;
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
           AND k.account_id = v_key.account_id;
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

    IF p_for = 'admission' AND v_team.credit_limit IS NOT NULL THEN
        -- Read again with the lock: an operator may have changed it while this one waited.
        SELECT * INTO STRICT v_team FROM teams t WHERE t.id = v_team.id FOR NO KEY UPDATE;
        IF v_team.status <> 'ACTIVE' THEN
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
