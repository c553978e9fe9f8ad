-- Every function of the schema, whole and once. Each upgrade applies this file, after the migrations
-- and in their transaction, so what changes behind a name needs no migration. Processes of the last
-- release call these too: a function with another contract gets another name.

-- One row of work in the caller's transaction. At most one job of a kind waits for a generation:
-- asking again while one waits changes nothing.
CREATE OR REPLACE FUNCTION reelgate_enqueue_v1(
    p_kind text, p_generation uuid, p_priority integer, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        p_kind, p_kind, p_priority, NULL, p_kind || ':' || p_generation,
        jsonb_build_object('generation_id', p_generation), p_at
    )::procrastinate_job_to_defer_v1]);
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$;


-- The whole admission: replay, status, rate, open cap, credits, then generation, hold and job.
-- A function and not a client-side transaction, so that the member's lock is held for no network
-- round trip, and every check reads a snapshot taken after the lock. A refusal uses nothing up.
CREATE OR REPLACE FUNCTION reelgate_admit_v2(
    p_generation uuid,
    p_member uuid,
    p_api_key uuid,
    p_dialect text,
    p_feature text,
    p_provider text,
    p_spec jsonb,
    p_fingerprint bytea,
    p_quote bigint,
    p_idempotency_key text,
    p_idempotency_seconds double precision,
    p_queue_seconds double precision,
    p_asked jsonb,
    p_remixed_from uuid,
    p_callback_url text,
    p_sdk_retry integer,
    p_sdk_waited_seconds double precision,
    p_sdk_window_seconds double precision,
    p_now timestamptz
) RETURNS TABLE (
    outcome text,
    generation_id uuid,
    limit_value bigint,
    used_value bigint,
    retry_after_seconds double precision,
    rate_limit integer,
    rate_window_seconds double precision,
    rate_remaining integer,
    rate_reset_seconds double precision,
    accepted_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz;
    v_arrival timestamptz;
    v_step double precision;
    v_backlog double precision;
    v_member members%ROWTYPE;
    v_team teams%ROWTYPE;
    v_seen idempotency_keys%ROWTYPE;
    v_open bigint;
    v_used bigint;
    v_twin uuid;
    -- When this attempt came in.
    v_came timestamptz;
    -- An SDK sends its headers again with each attempt: one without a key belongs to none with one.
    v_counted integer := CASE WHEN p_idempotency_key IS NULL THEN p_sdk_retry END;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'admission needs read committed: it must see what is new after each lock';
    END IF;
    -- The member's admissions go one at a time.
    SELECT r.arrival_at INTO STRICT v_arrival
      FROM rate_states r WHERE r.member_id = p_member FOR UPDATE;
    v_now := coalesce(p_now, clock_timestamp());
    v_came := v_now - make_interval(secs => p_sdk_waited_seconds);
    SELECT * INTO STRICT v_member FROM members WHERE id = p_member;
    SELECT * INTO STRICT v_team FROM teams WHERE id = v_member.team_id;

    v_step := 60.0 / v_member.rate_per_minute;
    rate_limit := v_member.rate_burst;
    rate_window_seconds := v_member.rate_burst * v_step;
    -- An arrival beyond the window means that the clock was set back or the limits were lowered;
    -- the member then starts with an empty bucket, and is not locked out for hours.
    v_backlog := least(
        greatest(extract(epoch FROM v_arrival - v_now)::double precision, 0), rate_window_seconds);
    rate_remaining := floor((rate_window_seconds - v_backlog) / v_step + 1e-6);
    rate_reset_seconds := v_backlog;

    IF p_idempotency_key IS NOT NULL THEN
        SELECT * INTO v_seen FROM idempotency_keys k
         WHERE k.member_id = p_member AND k.scope = p_dialect AND k.key = p_idempotency_key;
        IF FOUND AND v_seen.expires_at > v_now THEN
            outcome := CASE WHEN v_seen.fingerprint = p_fingerprint
                            THEN 'replayed' ELSE 'idempotency_mismatch' END;
            generation_id := v_seen.generation_id;
            RETURN NEXT; RETURN;
        END IF;
    ELSIF p_sdk_retry IS NOT NULL THEN
        -- An SDK counts the attempts of one call, and says nothing else of what belongs together.
        -- This attempt belongs to a generation whose latest attempt was an earlier one: the one
        -- before, or, where that never got here, one before it. Or to one that began with a later
        -- attempt, while this one was held up on its way: it came in before that generation was
        -- made. A first attempt that came in later is another call. Where the generations of equal
        -- calls cannot be told apart, the oldest is the answer: a call may then share another's
        -- video, and none is paid twice.
        SELECT g.id INTO v_twin FROM generations g
         WHERE g.member_id = p_member AND g.api_key_id = p_api_key AND g.dialect = p_dialect
           AND g.fingerprint = p_fingerprint
           AND g.created_at
               > v_now - make_interval(secs => (least(p_sdk_retry, 9) + 1) * p_sdk_window_seconds)
           AND ((g.sdk_last < p_sdk_retry AND g.sdk_last_at
                 > v_now - make_interval(secs => (p_sdk_retry - g.sdk_last) * p_sdk_window_seconds))
                OR ((p_sdk_retry < g.sdk_first OR 0 < p_sdk_retry AND p_sdk_retry < g.sdk_last)
                    AND g.created_at > v_came))
         ORDER BY g.sdk_last DESC, g.created_at, g.id LIMIT 1;
        IF FOUND THEN
            UPDATE generations g
               SET sdk_first = least(g.sdk_first, p_sdk_retry),
                   sdk_last = greatest(g.sdk_last, p_sdk_retry), sdk_last_at = v_now
             WHERE g.id = v_twin;
            outcome := 'recognised';
            generation_id := v_twin;
            RETURN NEXT; RETURN;
        END IF;
    END IF;

    IF v_member.status <> 'ACTIVE' OR v_team.status <> 'ACTIVE' THEN
        outcome := 'suspended';
        RETURN NEXT; RETURN;
    END IF;

    IF (SELECT p.paused FROM pauses p WHERE p.name = 'admission') THEN
        outcome := 'paused';
        RETURN NEXT; RETURN;
    END IF;

    -- GCRA: a request moves the theoretical arrival time one step on; it may run ahead of the
    -- clock by at most `burst` steps. A microsecond of slack absorbs rounding.
    IF v_backlog + v_step > rate_window_seconds + 1e-6 THEN
        outcome := 'rate_limited';
        limit_value := v_member.rate_per_minute;
        retry_after_seconds := v_backlog + v_step - rate_window_seconds;
        RETURN NEXT; RETURN;
    END IF;

    SELECT count(*) INTO v_open FROM generations g
     WHERE g.member_id = p_member AND g.state IN ('queued', 'submitting', 'running');
    IF v_open >= v_member.max_open THEN
        outcome := 'open_limit_reached';
        limit_value := v_member.max_open;
        used_value := v_open;
        RETURN NEXT; RETURN;
    END IF;

    SELECT coalesce(sum(l.credits), 0) INTO v_used
      FROM ledger_entries l WHERE l.member_id = p_member AND l.counted;
    IF v_used + p_quote > v_member.credit_limit THEN
        outcome := 'member_credits';
        used_value := v_used;
        limit_value := v_member.credit_limit;
        RETURN NEXT; RETURN;
    END IF;

    IF v_team.credit_limit IS NOT NULL THEN
        -- Members of a limited team also go one at a time; the order member, team is the same
        -- everywhere, so two admissions never wait for each other.
        -- Read again with the lock: an operator may have changed it while this one waited.
        SELECT * INTO STRICT v_team FROM teams WHERE id = v_team.id FOR NO KEY UPDATE;
        IF v_team.status <> 'ACTIVE' THEN
            outcome := 'suspended';
            RETURN NEXT; RETURN;
        END IF;
        SELECT coalesce(sum(l.credits), 0) INTO used_value
          FROM ledger_entries l WHERE l.team_id = v_team.id AND l.counted;
        IF used_value + p_quote > v_team.credit_limit THEN
            outcome := 'team_credits';
            limit_value := v_team.credit_limit;
            RETURN NEXT; RETURN;
        END IF;
    END IF;

    UPDATE rate_states r
       SET arrival_at = v_now + make_interval(secs => v_backlog + v_step)
     WHERE r.member_id = p_member;
    -- A member's n-th open generation ranks below everyone's first.
    INSERT INTO generations (
        id, team_id, member_id, api_key_id, dialect, feature, provider, spec, fingerprint, state,
        priority, quote, created_at, queue_deadline_at, asked, remixed_from, callback_url,
        sdk_first, sdk_last, sdk_last_at
    ) VALUES (
        p_generation, v_team.id, p_member, p_api_key, p_dialect, p_feature, p_provider, p_spec,
        p_fingerprint, 'queued', -v_open, p_quote, v_now,
        v_now + make_interval(secs => p_queue_seconds), p_asked, p_remixed_from, p_callback_url,
        v_counted, v_counted, CASE WHEN v_counted IS NOT NULL THEN v_now END
    );
    INSERT INTO ledger_entries (generation_id, team_id, member_id, kind, credits, counted, created_at)
    VALUES (p_generation, v_team.id, p_member, 'hold', p_quote, true, v_now);
    INSERT INTO events (generation_id, team_id, member_id, type, created_at)
    VALUES (p_generation, v_team.id, p_member, 'generation.queued', v_now);
    IF p_idempotency_key IS NOT NULL THEN
        INSERT INTO idempotency_keys AS k
            (member_id, scope, key, fingerprint, generation_id, created_at, expires_at)
        VALUES (p_member, p_dialect, p_idempotency_key, p_fingerprint, p_generation, v_now,
                v_now + make_interval(secs => p_idempotency_seconds))
        -- Only an expired entry can be in the way here.
        ON CONFLICT (member_id, scope, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id,
                created_at = excluded.created_at, expires_at = excluded.expires_at;
    END IF;
    PERFORM reelgate_enqueue_v1('submit', p_generation, (-v_open)::integer, NULL);

    outcome := 'accepted';
    generation_id := p_generation;
    accepted_at := v_now;
    used_value := v_used + p_quote;
    rate_remaining := rate_remaining - 1;
    rate_reset_seconds := v_backlog + v_step;
    RETURN NEXT;
END $$;
