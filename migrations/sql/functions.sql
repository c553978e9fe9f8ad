-- Every function of the schema, whole and once. Each upgrade applies this file, after the migrations
-- and in their transaction, so what changes behind a name needs no migration. Processes of the last
-- release call these too: a function with another contract gets another name.


-- One row of work in the caller's transaction. At most one job of a kind waits for a subject (a
-- generation, or a delivery of a webhook): asking again while one waits changes nothing.
CREATE OR REPLACE FUNCTION reelgate_enqueue(
    p_kind text, p_subject uuid, p_priority integer, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        p_kind, p_kind, p_priority, NULL, p_kind || ':' || p_subject,
        jsonb_build_object('subject_id', p_subject), p_at
    )::procrastinate_job_to_defer_v1]);
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$;


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


-- The accounts in which a request of a member counts: its key's (where a key is given), its own, and
-- its team's. Whoever changes several takes them in this order.
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
     ORDER BY a.rank
$$;


-- An entry of the ledger, and the balances moved by it. The entry comes first: it refers to key, member
-- and team, so whoever changes the period of one of them, and locks it against that, goes before this
-- or after it.
CREATE OR REPLACE FUNCTION reelgate_enter(
    p_generation uuid, p_team uuid, p_member uuid, p_key uuid, p_kind text, p_held bigint,
    p_settled bigint, p_counts_at timestamptz, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
BEGIN
    INSERT INTO ledger_entries (
        generation_id, team_id, member_id, api_key_id, kind, held, settled, counts_at, created_at)
    VALUES (
        p_generation, p_team, p_member, p_key, p_kind, p_held, p_settled, p_counts_at, p_at);
    FOR v_account IN SELECT * FROM reelgate_accounts(p_key, p_member, p_counts_at) LOOP
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
-- nothing if it has ended.
CREATE OR REPLACE FUNCTION reelgate_close_hold(p_generation uuid, p_settle bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_hold ledger_entries%ROWTYPE;
BEGIN
    UPDATE generations g SET settled = p_settle WHERE g.id = p_generation AND g.settled IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT v_hold FROM ledger_entries l
     WHERE l.generation_id = p_generation AND l.kind = 'hold';
    PERFORM reelgate_enter(
        p_generation, v_hold.team_id, v_hold.member_id, v_hold.api_key_id,
        CASE WHEN p_settle > 0 THEN 'settle' ELSE 'release' END, -v_hold.held, p_settle,
        v_hold.counts_at, now());
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
    max_open integer,
    open_generations bigint,
    accounts jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    v_member members%ROWTYPE;
    v_team teams%ROWTYPE;
    v_arrival timestamptz;
    v_step double precision;
    v_over double precision;
    v_account record;
BEGIN
    SELECT * INTO STRICT v_member FROM members m WHERE m.id = p_member;
    SELECT * INTO STRICT v_team FROM teams t WHERE t.id = v_member.team_id;
    SELECT r.arrival_at INTO STRICT v_arrival FROM rate_states r WHERE r.member_id = p_member;
    rate_per_minute := v_member.rate_per_minute;
    rate_burst := v_member.rate_burst;
    max_open := v_member.max_open;

    -- GCRA: a request moves the theoretical arrival time one step on, and it may run ahead of the
    -- clock by at most `rate_burst` steps. One further ahead means that the clock was set back or
    -- the limits were lowered: the member then starts with an empty bucket, and is not locked out
    -- for hours. A microsecond of slack absorbs rounding.
    v_step := 60.0 / rate_per_minute;
    rate_window_seconds := rate_burst * v_step;
    rate_reset_seconds := least(
        greatest(extract(epoch FROM v_arrival - p_now)::double precision, 0), rate_window_seconds);
    rate_remaining := floor((rate_window_seconds - rate_reset_seconds) / v_step + 1e-6);
    v_over := rate_reset_seconds + v_step - rate_window_seconds;

    IF v_member.status <> 'ACTIVE' OR v_team.status <> 'ACTIVE' THEN
        binding_limit := 'suspended';
    ELSIF (SELECT p.paused FROM pauses p WHERE p.name = 'admission') THEN
        binding_limit := 'paused';
        retry_after_seconds := 60;
    ELSIF v_over > 1e-6 THEN
        binding_limit := 'rate_per_minute';
        retry_after_seconds := v_over;
    END IF;
    IF p_for = 'replay' OR (p_for = 'admission' AND binding_limit IS NOT NULL) THEN
        RETURN NEXT; RETURN;
    END IF;

    SELECT count(*) INTO open_generations FROM generations g
     WHERE g.member_id = p_member AND g.state IN ('queued', 'submitting', 'running');
    IF binding_limit IS NULL AND open_generations >= max_open THEN
        binding_limit := 'max_open';
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
               reelgate_period_ends_at(c.period, c.time_zone, c.period_on) AS resets_at
          FROM reelgate_accounts(p_key, p_member, p_now) c
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(b.held), 0)::bigint AS held,
                   coalesce(sum(b.settled), 0)::bigint AS settled
              FROM balances b
             WHERE b.account_id = c.account_id AND b.period_on = c.period_on) b
         ORDER BY c.rank
    LOOP
        accounts := accounts || to_jsonb(v_account);
        IF binding_limit IS NULL
            AND v_account.held + v_account.settled + p_quote > v_account.credit_limit
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


-- The generation that attempt `p_attempt` of an SDK's call continues, claimed for it; null where it
-- begins one. An SDK counts the attempts of a call from 0, and says nothing else of what belongs
-- together. This one came in `p_waited` seconds ago, and one before it at most `p_window` ago.
--
-- It continues the oldest generation whose latest attempt was an earlier one: the one before, or,
-- where that never got here, one before it. Or one that began with a later attempt, while this one
-- was held up on its way: it came in before that generation was made. A first attempt that came in
-- later is another call. Where equal calls cannot be told apart, they share a video: none is paid
-- for twice.
CREATE OR REPLACE FUNCTION reelgate_continue_call(
    p_new generations, p_attempt integer, p_waited double precision, p_window double precision,
    p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_continued uuid;
BEGIN
    UPDATE generations g
       SET sdk_first = least(g.sdk_first, p_attempt),
           sdk_last = greatest(g.sdk_last, p_attempt), sdk_last_at = p_now
     WHERE g.id = (
        SELECT e.id FROM generations e
         WHERE e.member_id = p_new.member_id AND e.api_key_id = p_new.api_key_id
           AND e.dialect = p_new.dialect AND e.fingerprint = p_new.fingerprint
           AND e.created_at > p_now - make_interval(secs => (least(p_attempt, 9) + 1) * p_window)
           AND ((e.sdk_last < p_attempt AND e.sdk_last_at
                 > p_now - make_interval(secs => (p_attempt - e.sdk_last) * p_window))
                OR ((p_attempt < e.sdk_first OR 0 < p_attempt AND p_attempt < e.sdk_last)
                    AND e.created_at > p_now - make_interval(secs => p_waited)))
         ORDER BY e.sdk_last DESC, e.created_at, e.id LIMIT 1)
    RETURNING g.id INTO v_continued;
    RETURN v_continued;
END $$;


-- The tags that the team of a member requires, and these lack or leave empty.
CREATE OR REPLACE FUNCTION reelgate_missing_tags(p_member uuid, p_metadata jsonb)
RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT k FROM unnest(t.required_tags) k WHERE coalesce(p_metadata ->> k, '') = '')
      FROM members m JOIN teams t ON t.id = m.team_id WHERE m.id = p_member
$$;


-- The whole admission: the key, the same request again, then the limits, then generation, hold,
-- event, idempotency key and job. A function and not a client-side transaction, so that the member's lock is held for no
-- network round trip, and every check reads a snapshot taken after the lock. A refusal uses nothing
-- up.
--
-- `p_request` has the columns of the generation, and beside them `idempotency_key` and for how many
-- `idempotency_seconds` it counts; for how many `queue_seconds` the generation may wait; and of an
-- SDK's call `sdk_attempt`, `sdk_waited_seconds` and `sdk_window_seconds`. `now` replaces the clock.
--
-- `outcome` is 'accepted', 'replayed' (by its key), 'recognised' (by its SDK's count),
-- 'idempotency_mismatch', 'unauthenticated', 'tag_missing', or the limit that refused. `limits` are
-- those of `reelgate_limits`, as this admission leaves them but for the credits it holds, and
-- `missing_tags`; null without a good key.
CREATE OR REPLACE FUNCTION reelgate_admit(p_request jsonb) RETURNS TABLE (
    outcome text,
    generation_id uuid,
    accepted_at timestamptz,
    limits jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    v_new generations := jsonb_populate_record(NULL::generations, p_request);
    v_key text := p_request->>'idempotency_key';
    -- An SDK counts with a key too: an attempt without one belongs to no call with one.
    v_attempt integer := CASE WHEN v_key IS NULL THEN (p_request->>'sdk_attempt')::integer END;
    v_now timestamptz;
    v_limits record;
    v_missing text[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'admission needs read committed: it must see what is new after each lock';
    END IF;
    -- The member's admissions go one at a time.
    PERFORM FROM rate_states r WHERE r.member_id = v_new.member_id FOR NO KEY UPDATE;
    v_now := coalesce((p_request->>'now')::timestamptz, clock_timestamp());

    -- The key was good when the request's head came in. Since then its body was on its way, and this
    -- admission may have waited. Whoever ends a key takes the lock above too: once that is done,
    -- nothing more is admitted for it.
    IF NOT EXISTS (
        SELECT FROM api_keys k
         WHERE k.id = v_new.api_key_id AND k.member_id = v_new.member_id
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > v_now)
    ) THEN
        outcome := 'unauthenticated';
        RETURN NEXT; RETURN;
    END IF;

    IF v_key IS NOT NULL THEN
        SELECT CASE WHEN k.fingerprint = v_new.fingerprint
                    THEN 'replayed' ELSE 'idempotency_mismatch' END, k.generation_id
          INTO outcome, generation_id
          FROM idempotency_keys k
         WHERE k.member_id = v_new.member_id AND k.scope = v_new.dialect AND k.key = v_key
           AND k.expires_at > v_now;
    ELSIF v_attempt IS NOT NULL THEN
        generation_id := reelgate_continue_call(
            v_new, v_attempt, (p_request->>'sdk_waited_seconds')::double precision,
            (p_request->>'sdk_window_seconds')::double precision, v_now);
        outcome := CASE WHEN generation_id IS NOT NULL THEN 'recognised' END;
    END IF;

    SELECT * INTO v_limits FROM reelgate_limits(
        v_new.api_key_id, v_new.member_id, v_new.quote, v_now,
        CASE WHEN outcome IS NULL THEN 'admission' ELSE 'replay' END);
    -- A request that was admitted before keeps its generation, whatever its team requires by now.
    IF outcome IS NULL THEN
        v_missing := reelgate_missing_tags(v_new.member_id, v_new.metadata);
    END IF;
    outcome := coalesce(
        outcome, CASE WHEN v_missing <> '{}' THEN 'tag_missing' END, v_limits.binding_limit,
        'accepted');
    IF outcome <> 'accepted' THEN
        limits := to_jsonb(v_limits) || jsonb_build_object('missing_tags', v_missing);
        RETURN NEXT; RETURN;
    END IF;

    generation_id := v_new.id;
    accepted_at := v_now;
    SELECT m.team_id INTO STRICT v_new.team_id FROM members m WHERE m.id = v_new.member_id;
    -- A member's n-th open generation ranks below everyone's first.
    v_new.priority := -v_limits.open_generations;
    v_limits.rate_remaining := v_limits.rate_remaining - 1;
    v_limits.rate_reset_seconds := v_limits.rate_reset_seconds + 60.0 / v_limits.rate_per_minute;
    v_limits.open_generations := v_limits.open_generations + 1;
    limits := to_jsonb(v_limits);

    UPDATE rate_states r
       SET arrival_at = v_now + make_interval(secs => v_limits.rate_reset_seconds)
     WHERE r.member_id = v_new.member_id;
    INSERT INTO generations (
        id, team_id, member_id, api_key_id, dialect, feature, provider, spec, prompt_head,
        prompt_digest, echo, remixed_from, callback_url, end_user, metadata, fingerprint, sdk_first,
        sdk_last, sdk_last_at, state, priority, quote, created_at, queue_deadline_at
    ) VALUES (
        v_new.id, v_new.team_id, v_new.member_id, v_new.api_key_id, v_new.dialect, v_new.feature,
        v_new.provider, v_new.spec, v_new.prompt_head, v_new.prompt_digest, v_new.echo,
        v_new.remixed_from, v_new.callback_url, v_new.end_user, coalesce(v_new.metadata, '{}'),
        v_new.fingerprint, v_attempt, v_attempt,
        CASE WHEN v_attempt IS NOT NULL THEN v_now END,
        'queued', v_new.priority, v_new.quote, v_now,
        v_now + make_interval(secs => (p_request->>'queue_seconds')::double precision)
    );
    PERFORM reelgate_enter(
        v_new.id, v_new.team_id, v_new.member_id, v_new.api_key_id, 'hold', v_new.quote, 0, v_now,
        v_now);
    INSERT INTO events (generation_id, team_id, member_id, type, created_at)
    VALUES (v_new.id, v_new.team_id, v_new.member_id, 'generation.queued', v_now);
    IF v_key IS NOT NULL THEN
        INSERT INTO idempotency_keys AS k
            (member_id, scope, key, fingerprint, generation_id, created_at, expires_at)
        VALUES (v_new.member_id, v_new.dialect, v_key, v_new.fingerprint, v_new.id, v_now, v_now
                + make_interval(secs => (p_request->>'idempotency_seconds')::double precision))
        -- Only an expired entry can be in the way here.
        ON CONFLICT (member_id, scope, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id,
                created_at = excluded.created_at, expires_at = excluded.expires_at;
    END IF;
    PERFORM reelgate_enqueue('submit', v_new.id, v_new.priority, NULL);
    RETURN NEXT;
END $$;


-- The audit log and the ledger are append-only: no line of them is ever changed or deleted.
CREATE OR REPLACE FUNCTION reelgate_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s takes no %s', TG_TABLE_NAME, TG_OP);
END $$;

CREATE OR REPLACE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();
