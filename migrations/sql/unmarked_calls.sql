-- Calls of SDKs that repeat a create, for up to an hour, without a key and without counting.


-- The generation of the call that request `p_new` may be another attempt at; null where it begins one.
-- This one came in `p_waited` seconds ago, and the first attempt at its call at most `p_window` ago.
--
-- It may be one if it came in before the call was answered in full: whoever has the whole answer does
-- not repeat the request. Where equal calls cannot be told apart, they share a video: none is paid for
-- twice. The member's lock is held, so what began a call is seen here.
CREATE OR REPLACE FUNCTION reelgate_join_call(
    p_new generations, p_waited double precision, p_window double precision, p_now timestamptz
) RETURNS uuid LANGUAGE sql AS $$
    SELECT c.generation_id FROM (
        SELECT * FROM unmarked_calls
         WHERE api_key_id = p_new.api_key_id AND fingerprint = p_new.fingerprint
        UNION ALL
        SELECT * FROM unmarked_calls
         WHERE p_new.written IS NOT NULL
           AND api_key_id = p_new.api_key_id AND written = p_new.written
        ) c
     WHERE c.created_at > p_now - make_interval(secs => p_window)
       AND (c.answered_at IS NULL OR c.answered_at > p_now - make_interval(secs => p_waited))
     ORDER BY c.created_at DESC LIMIT 1
$$;


-- In the transaction of the admission: a call that no one has answered yet.
CREATE OR REPLACE FUNCTION reelgate_begin_call(p_new generations, p_now timestamptz)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO unmarked_calls AS c (api_key_id, fingerprint, written, generation_id, created_at)
    VALUES (p_new.api_key_id, p_new.fingerprint, p_new.written, p_new.id, p_now)
    ON CONFLICT (api_key_id, fingerprint) DO UPDATE
        SET written = excluded.written, generation_id = excluded.generation_id,
            created_at = excluded.created_at, answered_at = NULL
$$;


-- The call of this generation was answered in full so many seconds ago. The disk is not waited for:
-- after a crash of the server the call may count as not answered, and what is asked again gets the
-- same video.
CREATE OR REPLACE FUNCTION reelgate_end_call(
    p_generation_id uuid, p_seconds double precision, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE unmarked_calls c
       SET answered_at = coalesce(p_now, clock_timestamp()) - make_interval(secs => p_seconds)
     WHERE c.generation_id = p_generation_id AND c.answered_at IS NULL;
END $$;
