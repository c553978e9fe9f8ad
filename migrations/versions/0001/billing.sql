CREATE TABLE grants (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('key', 'member', 'team')),
    team_id uuid NOT NULL REFERENCES teams,
    credits bigint NOT NULL CHECK (credits > 0),
    reason text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CONSTRAINT grants_ends_at_check CHECK (ends_at > created_at)
);
CREATE INDEX grants_account_idx ON grants (account_id, ends_at);

-- Whether the columns of an entry agree; a function for the reason that generations have one.
CREATE FUNCTION ledger_entry_is_sound(
    p_kind text, p_held bigint, p_settled bigint, p_reason text, p_actor text
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE p_kind
            WHEN 'hold' THEN p_held > 0 AND p_settled = 0
            WHEN 'settle' THEN p_settled > 0 AND p_held <= -p_settled
            WHEN 'release' THEN p_held < 0 AND p_settled = 0
            WHEN 'correct' THEN p_held = 0 AND p_settled <> 0
            ELSE false END
        AND (p_kind = 'correct') = (p_reason IS NOT NULL)
        AND (p_kind = 'correct') = (p_actor IS NOT NULL);
END $$;

-- Never changed. Each entry says what it adds to the balances of its key, its member and its team,
-- in the period of `counts_at`: when the generation was admitted.
CREATE TABLE ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    api_key_id uuid NOT NULL REFERENCES api_keys,
    kind text NOT NULL,
    held bigint NOT NULL,
    settled bigint NOT NULL,
    counts_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Of a correction: why, and whose.
    reason text,
    actor text,
    CONSTRAINT ledger_entries_sound_check
        CHECK (ledger_entry_is_sound(kind, held, settled, reason, actor))
);
CREATE UNIQUE INDEX ledger_entries_hold_idx ON ledger_entries (generation_id) WHERE kind = 'hold';
CREATE UNIQUE INDEX ledger_entries_end_idx ON ledger_entries (generation_id)
    WHERE kind IN ('settle', 'release');
CREATE INDEX ledger_entries_correct_idx ON ledger_entries (generation_id, id)
    WHERE kind = 'correct';
CREATE INDEX ledger_entries_member_idx ON ledger_entries (member_id, id);

-- What the ledger says of each account, a key, a member or a team, in the period that begins on
-- this day. What a team used stands in one row for each member, so that its members' creates do not
-- wait for each other. Written by every create: half of each page is left free.
CREATE TABLE balances (
    account_id uuid NOT NULL,
    period_on date NOT NULL,
    member_id uuid NOT NULL REFERENCES members,
    held bigint NOT NULL CHECK (held >= 0),
    settled bigint NOT NULL CHECK (settled >= 0),
    PRIMARY KEY (account_id, period_on, member_id)
) WITH (fillfactor = 50);
