-- The figures of an account at the upstream, beside what the ledger says.
--
-- An answer shows the account's used credits at some moment between its request and itself, and may
-- lag by one answer. Generations are charged at some moment between their submission and their end.
-- So the ledger gives two bounds of what the figure contains: `ledger_low`, what was settled when the
-- answer before this one was recorded, and `ledger_high`, what is settled now, and the quotes of all
-- that may have been charged meanwhile. The figure minus the ledger is the same at each answer, unless
-- somebody else uses the account, credits are added, or the prices are wrong: `offset_low` to
-- `offset_high` is what all answers since the last such event agree on.


-- What the generations that are at the upstream with this key may cost.
CREATE OR REPLACE FUNCTION reelgate_at_upstream(p_key integer) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.quote), 0)::bigint FROM generations g
     WHERE g.state IN ('submitting', 'running', 'unknown') AND g.upstream_key_id = p_key
$$;


-- What the account surely has left, once all is charged that may be. Null without figures.
CREATE OR REPLACE FUNCTION reelgate_upstream_remaining(p_key integer) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT w.credit_limit - w.offset_high - w.settled - reelgate_at_upstream(p_key)
      FROM upstream_watermarks w WHERE w.upstream_key_id = p_key
$$;


-- Takes note of the figures of an answer whose request was sent when `p_number` answers had been
-- noted. If others were noted since, nobody knows which figure is newer, and this one is left out:
-- the result is false. A fixed order of locks: nothing of `upstream_keys` after this.
CREATE OR REPLACE FUNCTION reelgate_observe(
    p_key integer, p_number bigint, p_used bigint, p_limit bigint, p_record text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v upstream_watermarks%ROWTYPE;
    v_high bigint;
    v_offset_low bigint;
    v_offset_high bigint;
    v_unexplained bigint := 0;
    v_added bigint := 0;
    v_uncertain bigint := 0;
BEGIN
    INSERT INTO upstream_watermarks (upstream_key_id) VALUES (p_key) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT v FROM upstream_watermarks
     WHERE upstream_key_id = p_key FOR NO KEY UPDATE;
    IF v.number <> p_number THEN
        RETURN false;
    END IF;
    -- What was charged at first and given back since is in no figure of the ledger's any more.
    v_high := v.settled + reelgate_at_upstream(p_key) + v.released - v.observed_released;
    v_offset_low := p_used - v_high;
    v_offset_high := p_used - v.observed_settled;
    IF v_offset_low > v.offset_high THEN
        v_unexplained := v_offset_low - v.offset_high;
        v_uncertain := v_offset_high - v.offset_low - v_unexplained;
    ELSIF v_offset_high < v.offset_low THEN
        v_added := v.offset_low - v_offset_high;
        v_uncertain := v.offset_high - v_offset_low - v_added;
    ELSIF v.offset_low IS NOT NULL THEN
        v_offset_low := greatest(v_offset_low, v.offset_low);
        v_offset_high := least(v_offset_high, v.offset_high);
    END IF;
    UPDATE upstream_watermarks
       SET number = v.number + 1, observed_at = now(), used = p_used, credit_limit = p_limit,
           ledger_low = v.observed_settled, observed_settled = v.settled,
           observed_released = v.released, offset_low = v_offset_low,
           offset_high = v_offset_high, record = p_record, in_doubt = false
     WHERE upstream_key_id = p_key;
    IF (p_used, p_limit) IS DISTINCT FROM (v.used, v.credit_limit)
            OR v_unexplained > 0 OR v_added > 0 THEN
        INSERT INTO upstream_watermark_history (
            upstream_key_id, observed_at, used, credit_limit, ledger_low, ledger_high,
            unexplained, added, uncertain)
        VALUES (
            p_key, now(), p_used, p_limit, v.observed_settled, v_high,
            v_unexplained, v_added, v_uncertain);
    END IF;
    RETURN true;
END $$;
