-- What a team spent in a calendar month, closed for good. The figures are those of its lines, and
-- the digest is that of the lines as CSV.
CREATE TABLE statements (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    time_zone text NOT NULL,
    ends_at timestamptz NOT NULL,
    lines bigint NOT NULL,
    credits bigint NOT NULL,
    earlier_credits bigint NOT NULL,
    unknown_generations bigint NOT NULL,
    unknown_credits bigint NOT NULL,
    open_generations bigint NOT NULL,
    open_credits bigint NOT NULL,
    csv_bytes bigint NOT NULL,
    csv_sha256 bytea NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (team_id, month)
);

-- A copy of what can change later: names, above all. The lines come before their statement, which
-- has their digest.
CREATE TABLE statement_lines (
    statement_id uuid NOT NULL REFERENCES statements DEFERRABLE INITIALLY DEFERRED,
    position bigint NOT NULL,
    ledger_entry_id bigint NOT NULL REFERENCES ledger_entries,
    generation_id uuid NOT NULL,
    day date NOT NULL,
    member_id uuid NOT NULL,
    member text NOT NULL,
    key_id uuid NOT NULL,
    key text NOT NULL,
    key_prefix text NOT NULL,
    model text NOT NULL,
    tags jsonb NOT NULL,
    kind text NOT NULL CHECK (kind IN ('settle', 'correct', 'unknown', 'open')),
    credits bigint NOT NULL,
    held bigint NOT NULL,
    CONSTRAINT statement_lines_credits_check
        CHECK (CASE WHEN kind IN ('settle', 'correct') THEN credits <> 0 AND held = 0
                    ELSE credits = 0 AND held > 0 END),
    PRIMARY KEY (statement_id, position)
);
CREATE UNIQUE INDEX statement_lines_entry_idx ON statement_lines (ledger_entry_id)
    WHERE kind IN ('settle', 'correct');

-- Entries of the ledger that changed what was spent, and are in no statement yet: written with the
-- entry, taken by the statement. So closing a month reads no other one. Without references, because
-- the entry beside it has them.
CREATE TABLE unclosed_entries (
    team_id uuid NOT NULL,
    counts_at timestamptz NOT NULL,
    ledger_entry_id bigint NOT NULL,
    PRIMARY KEY (team_id, counts_at, ledger_entry_id)
);
