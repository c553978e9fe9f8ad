-- Admission, and what it asks of a request.


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
           AND e.dialect = p_new.dialect
           AND (e.fingerprint = p_new.fingerprint OR e.written = p_new.written)
           AND e.created_at > p_now - make_interval(secs => (least(p_attempt, 9) + 1) * p_window)
           AND ((e.sdk_last < p_attempt AND e.sdk_last_at
                 > p_now - make_interval(secs => (p_attempt - e.sdk_last) * p_window))
                OR ((p_attempt < e.sdk_first OR 0 < p_attempt AND p_attempt < e.sdk_last)
                    AND e.created_at > p_now - make_interval(secs => p_waited)))
         ORDER BY e.sdk_last DESC, e.created_at, e.id LIMIT 1)
    RETURNING g.id INTO v_continued;
    RETURN v_continued;
END $$;


-- Those of the required tags that these lack or leave empty.
CREATE OR REPLACE FUNCTION reelgate_lacking(p_required text[], p_metadata jsonb)
RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_required = '{}' THEN p_required ELSE ARRAY(
        SELECT k FROM unnest(p_required) k WHERE coalesce(p_metadata ->> k, '') = '') END
$$;


-- The whole admission: the key, the same request again, then the limits, then generation, hold, event,
-- idempotency key and job. A function and not a client-side transaction, so that the member's lock is
-- held for no network round trip, and every check reads a snapshot taken after the lock. A refusal
-- uses nothing up; one by a credit limit makes its notice.
--
-- `p_request` has the columns of the generation, and beside them `idempotency_key` and for how many
-- `idempotency_seconds` it counts; for how many `queue_seconds` the generation may wait; and of an
-- SDK's call `sdk_attempt`, null for an SDK that does not count, `sdk_waited_seconds` and
-- `sdk_window_seconds`; and `notice_percents`, of which each account is told once in a period. `caller_version` is that of the caller as it was looked
-- up. `now` replaces the clock. The quote is good for `prices_revision`, from `priced_from` until
-- before `priced_until`.
--
-- `outcome` is 'accepted', 'replayed' (by its key), 'recognised' (as an attempt at an earlier call),
-- 'idempotency_mismatch', 'unauthenticated', 'caller_changed' (look it up again), 'prices_changed'
-- (quote it again), 'tag_missing', 'input_gone' (it was deleted meanwhile), or the limit that refused.
-- With `only_made` nothing is admitted: a request that no earlier one was like is 'not_made'. Two
-- requests are alike if they ask for the same, with images of the same bytes, or if their callers wrote
-- the same; before its images are there only the latter is known.
-- `limits` are those of `reelgate_limits`, as this admission leaves them but for the credits it holds,
-- and `missing_tags`; null without a good caller or a good quote.
CREATE OR REPLACE FUNCTION reelgate_admit(p_request jsonb) RETURNS TABLE (
    outcome text,
    generation_id uuid,
    accepted_at timestamptz,
    limits jsonb
)
LANGUAGE plpgsql
-- Every row here is found by an index. Plans are kept, also one that was made while a table was so small
-- that reading all of it was cheaper.
SET enable_seqscan = off
AS $$
DECLARE
    v_new generations := jsonb_populate_record(NULL::generations, p_request);
    v_key text := p_request->>'idempotency_key';
    -- An SDK counts with a key too: an attempt without one belongs to no call with one.
    v_attempt integer := CASE WHEN v_key IS NULL THEN (p_request->>'sdk_attempt')::integer END;
    v_waited double precision := (p_request->>'sdk_waited_seconds')::double precision;
    v_window double precision := (p_request->>'sdk_window_seconds')::double precision;
    v_now timestamptz;
    v_limits record;
    v_missing text[];
    v_changed boolean;
    v_revision uuid;
    v_only_made boolean := coalesce((p_request->>'only_made')::boolean, false);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'admission needs read committed: it must see what is new after each lock';
    END IF;
    -- The member's admissions go one at a time.
    PERFORM FROM rate_states r WHERE r.member_id = v_new.member_id FOR NO KEY UPDATE;
    -- Until the end of this admission prices stay as they are.
    PERFORM pg_advisory_xact_lock_shared(hashtext('reelgate prices'));
    v_now := coalesce((p_request->>'now')::timestamptz, clock_timestamp());
    -- Of two attempts at a call that wait here, the earlier one may be the second to get the lock.
    v_waited := v_waited + extract(epoch FROM clock_timestamp() - statement_timestamp());

    -- Who calls was looked up when the request's head came in, or for an earlier request. Whoever ends
    -- a key takes the lock above too: once that is done, nothing more is admitted for it. Whatever else
    -- was decided about the caller by now must have been decided on these very rows.
    SELECT m.team_id,
           CASE WHEN t.required_tags <> '{}'
                THEN reelgate_lacking(t.required_tags, v_new.metadata) END,
           reelgate_version(k.xmin, m.xmin, t.xmin) <> p_request->>'caller_version', p.revision
      INTO v_new.team_id, v_missing, v_changed, v_revision
      FROM api_keys k JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
     CROSS JOIN price_list p
     WHERE k.id = v_new.api_key_id AND k.member_id = v_new.member_id
       AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > v_now);
    IF NOT FOUND THEN
        outcome := 'unauthenticated';
        RETURN NEXT; RETURN;
    END IF;
    IF v_changed THEN
        outcome := 'caller_changed';
        RETURN NEXT; RETURN;
    END IF;

    IF v_key IS NOT NULL THEN
        SELECT CASE WHEN k.fingerprint = v_new.fingerprint OR g.written = v_new.written
                    THEN 'replayed' WHEN NOT v_only_made THEN 'idempotency_mismatch' END,
               k.generation_id
          INTO outcome, generation_id
          FROM idempotency_keys k JOIN generations g ON g.id = k.generation_id
         WHERE k.member_id = v_new.member_id AND k.scope = v_new.dialect AND k.key = v_key
           AND k.expires_at > v_now;
    ELSIF v_window IS NOT NULL THEN
        generation_id := CASE WHEN v_attempt IS NULL
            THEN reelgate_join_call(v_new, v_waited, v_window, v_now)
            ELSE reelgate_continue_call(v_new, v_attempt, v_waited, v_window, v_now) END;
        outcome := CASE WHEN generation_id IS NOT NULL THEN 'recognised' END;
    END IF;
    IF v_only_made AND outcome IS NULL THEN
        outcome := 'not_made';
        generation_id := NULL;
        RETURN NEXT; RETURN;
    END IF;

    IF outcome IS NULL AND (
        (p_request->>'prices_revision')::uuid IS DISTINCT FROM v_revision
        OR v_now < (p_request->>'priced_from')::timestamptz
        OR v_now >= (p_request->>'priced_until')::timestamptz
    ) THEN
        outcome := 'prices_changed';
        RETURN NEXT; RETURN;
    END IF;

    SELECT * INTO v_limits FROM reelgate_limits(
        v_new.api_key_id, v_new.member_id, v_new.quote, v_now,
        CASE WHEN outcome IS NULL THEN 'admission' ELSE 'replay' END);
    -- A request that was admitted before keeps its generation, whatever its team requires by now.
    v_missing := CASE WHEN outcome IS NULL THEN v_missing END;
    outcome := coalesce(
        outcome, CASE WHEN v_missing <> '{}' THEN 'tag_missing' END, v_limits.binding_limit,
        'accepted');
    IF outcome = 'accepted' AND v_new.inputs <> '[]' THEN
        -- Whoever deletes an input locks it too: it is there until this is committed, and seen to be
        -- used from then on.
        PERFORM FROM inputs i WHERE i.id IN (SELECT (u->>'input_id')::uuid
                                               FROM jsonb_array_elements(v_new.inputs) u)
          ORDER BY i.id FOR SHARE;
        IF EXISTS (
            SELECT FROM jsonb_array_elements(v_new.inputs) u
             WHERE NOT EXISTS (SELECT FROM inputs i WHERE i.id = (u->>'input_id')::uuid
                                  AND i.team_id = v_new.team_id AND i.state = 'ready')
        ) THEN
            outcome := 'input_gone';
        END IF;
    END IF;
    IF outcome <> 'accepted' THEN
        limits := to_jsonb(v_limits) || jsonb_build_object('missing_tags', v_missing);
        IF outcome LIKE '%_credit_limit' THEN
            PERFORM reelgate_notice_request(
                p_request->'notice_percents', v_new.api_key_id, v_new.member_id, outcome, v_now);
        END IF;
        RETURN NEXT; RETURN;
    END IF;

    generation_id := v_new.id;
    accepted_at := v_now;
    -- A member's n-th open generation ranks below everyone's first.
    v_new.priority := -v_limits.open_generations;
    v_limits.rate_remaining := v_limits.rate_remaining - 1;
    v_limits.rate_reset_seconds := v_limits.rate_reset_seconds + 60.0 / v_limits.rate_per_minute;
    v_limits.key_rate_remaining := v_limits.key_rate_remaining - 1;
    v_limits.key_rate_reset_seconds :=
        v_limits.key_rate_reset_seconds + 60.0 / v_limits.key_rate_per_minute;
    v_limits.open_generations := v_limits.open_generations + 1;
    v_limits.key_open_generations := v_limits.key_open_generations + 1;
    limits := to_jsonb(v_limits);

    UPDATE rate_states r
       SET arrival_at = v_now + make_interval(secs => v_limits.rate_reset_seconds)
     WHERE r.member_id = v_new.member_id;
    IF v_limits.key_rate_per_minute IS NOT NULL THEN
        INSERT INTO key_rate_states AS r (account_id, arrival_at)
        SELECT k.account_id, v_now + make_interval(secs => v_limits.key_rate_reset_seconds)
          FROM api_keys k WHERE k.id = v_new.api_key_id
        ON CONFLICT (account_id) DO UPDATE SET arrival_at = excluded.arrival_at;
    END IF;
    INSERT INTO generations (
        id, team_id, member_id, api_key_id, dialect, feature, provider, spec, model, kind,
        prompt_head, prompt_digest, echo, remixed_from, callback_url, end_user, metadata, inputs,
        fingerprint, written, sdk_first, sdk_last, sdk_last_at, state, priority, quote, price_id, created_at, queue_deadline_at
    ) VALUES (
        v_new.id, v_new.team_id, v_new.member_id, v_new.api_key_id, v_new.dialect, v_new.feature,
        v_new.provider, v_new.spec, v_new.model, v_new.kind, v_new.prompt_head,
        v_new.prompt_digest, v_new.echo, v_new.remixed_from, v_new.callback_url, v_new.end_user,
        coalesce(v_new.metadata, '{}'), coalesce(v_new.inputs, '[]'), v_new.fingerprint,
        v_new.written, v_attempt, v_attempt,
        CASE WHEN v_attempt IS NOT NULL THEN v_now END,
        'queued', v_new.priority, v_new.quote, v_new.price_id, v_now,
        v_now + make_interval(secs => (p_request->>'queue_seconds')::double precision)
    );
    IF v_new.inputs <> '[]' THEN
        INSERT INTO generation_inputs (generation_id, input_id, team_id, created_at)
        SELECT DISTINCT v_new.id, (u->>'input_id')::uuid, v_new.team_id, v_now
          FROM jsonb_array_elements(v_new.inputs) u;
    END IF;
    PERFORM reelgate_enter(
        v_new.id, v_new.team_id, v_new.member_id, v_new.api_key_id, 'hold', v_new.quote, 0, v_now,
        v_now);
    INSERT INTO events (generation_id, team_id, member_id, type, created_at)
    VALUES (v_new.id, v_new.team_id, v_new.member_id, 'generation.queued', v_now);
    IF reelgate_crosses(p_request->'notice_percents', v_limits.accounts, v_new.quote) THEN
        PERFORM reelgate_notice_request(
            p_request->'notice_percents', v_new.api_key_id, v_new.member_id, outcome, v_now);
    END IF;
    IF v_key IS NOT NULL THEN
        INSERT INTO idempotency_keys AS k
            (member_id, scope, key, fingerprint, generation_id, created_at, expires_at)
        VALUES (v_new.member_id, v_new.dialect, v_key, v_new.fingerprint, v_new.id, v_now, v_now
                + make_interval(secs => (p_request->>'idempotency_seconds')::double precision))
        -- Only an expired entry can be in the way here.
        ON CONFLICT (member_id, scope, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id,
                created_at = excluded.created_at, expires_at = excluded.expires_at;
    ELSIF v_window IS NOT NULL AND v_attempt IS NULL THEN
        PERFORM reelgate_begin_call(v_new, v_now);
    END IF;
    PERFORM reelgate_enqueue('submit', v_new.id, v_new.priority, NULL);
    RETURN NEXT;
END $$;
