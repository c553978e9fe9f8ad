-- Prices, and how they change under admissions that go on.


-- From here on until the end of this transaction nothing is admitted, and what is admitted afterwards
-- sees its changes. So a price that begins now is a price that no earlier admission missed. Returns
-- this instant; `p_now` replaces the clock.
CREATE OR REPLACE FUNCTION reelgate_change_prices(p_now timestamptz)
RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    -- Admissions share this lock.
    PERFORM pg_advisory_xact_lock(hashtext('reelgate prices'));
    UPDATE price_list SET revision = gen_random_uuid();
    PERFORM pg_notify('reelgate_prices', '');
    RETURN coalesce(p_now, clock_timestamp());
END $$;
