-- What a request costs that has these values, from an instant on. Without credits it ends the price
-- of the same values. Never changed: a later one takes its place.
CREATE TABLE prices (
    id uuid PRIMARY KEY,
    match jsonb NOT NULL,
    credits bigint CHECK (credits > 0),
    effective_at timestamptz NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT prices_effective_at_check CHECK (effective_at >= created_at)
);
CREATE INDEX prices_match_idx ON prices (match, effective_at);
CREATE INDEX prices_created_at_idx ON prices (created_at, id);

-- Prices that never took effect.
CREATE TABLE price_withdrawals (
    price_id uuid PRIMARY KEY REFERENCES prices,
    reason text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL
);

-- One row, with another revision after each change. Not a number: in a database that was restored
-- from a backup it would be given out again.
CREATE TABLE price_list (revision uuid NOT NULL);
INSERT INTO price_list VALUES (gen_random_uuid());
