-- Of each upstream key: what the ledger settled and released of the generations that were sent with
-- it, as their holds ended, and the latest figures of its account. A correction of the ledger is not
-- in it: the upstream charged long before. Written by most answers of the upstream.
CREATE TABLE upstream_watermarks (
    upstream_key_id integer PRIMARY KEY REFERENCES upstream_keys,
    settled bigint NOT NULL DEFAULT 0,
    released bigint NOT NULL DEFAULT 0,
    number bigint NOT NULL DEFAULT 0,
    observed_at timestamptz,
    used bigint,
    credit_limit bigint,
    ledger_low bigint NOT NULL DEFAULT 0,
    observed_settled bigint NOT NULL DEFAULT 0,
    observed_released bigint NOT NULL DEFAULT 0,
    offset_low bigint,
    offset_high bigint,
    record text,
    in_doubt boolean NOT NULL DEFAULT false,
    CONSTRAINT upstream_watermarks_ledger_check CHECK (settled >= 0 AND released >= 0),
    CONSTRAINT upstream_watermarks_figures_check CHECK (
        num_nulls(observed_at, used, credit_limit, offset_low, offset_high) IN (0, 5)),
    CONSTRAINT upstream_watermarks_offset_check CHECK (offset_low <= offset_high)
) WITH (fillfactor = 50);

-- A row whenever the figures changed, or did not although the ledger did.
CREATE TABLE upstream_watermark_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    upstream_key_id integer NOT NULL REFERENCES upstream_keys,
    observed_at timestamptz NOT NULL,
    used bigint NOT NULL,
    credit_limit bigint NOT NULL,
    ledger_low bigint NOT NULL,
    ledger_high bigint NOT NULL,
    unexplained bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    uncertain bigint NOT NULL DEFAULT 0,
    CONSTRAINT upstream_watermark_history_credits_check
        CHECK (unexplained >= 0 AND added >= 0 AND uncertain >= 0)
);
CREATE INDEX upstream_watermark_history_key_idx
    ON upstream_watermark_history (upstream_key_id, observed_at);
CREATE INDEX upstream_watermark_history_events_idx
    ON upstream_watermark_history (upstream_key_id, observed_at)
    WHERE unexplained > 0 OR added > 0;
