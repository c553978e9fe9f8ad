-- Ended generations, counted when they end: by the day in the team's time zone on which they were
-- admitted, and what they cost. Each counts once with an empty tag, and once more under each of its
-- tags. Rows are changed while their day lasts: half of each page is left free.
CREATE TABLE daily_usage (
    member_id uuid NOT NULL REFERENCES members,
    tag text NOT NULL,
    day date NOT NULL,
    value text NOT NULL,
    model text NOT NULL,
    state text NOT NULL CHECK (state IN ('succeeded', 'failed', 'canceled')),
    account_id uuid NOT NULL,
    team_id uuid NOT NULL REFERENCES teams,
    generations bigint NOT NULL CHECK (generations >= 0),
    settled bigint NOT NULL CHECK (settled >= 0),
    PRIMARY KEY (member_id, tag, day, value, model, state, account_id)
) WITH (fillfactor = 50);
CREATE INDEX daily_usage_team_idx ON daily_usage (team_id, tag, day, value);

-- The same of whole teams, and since ever: on the day -infinity.
CREATE TABLE team_usage (
    team_id uuid NOT NULL REFERENCES teams,
    day date NOT NULL,
    model text NOT NULL,
    state text NOT NULL CHECK (state IN ('succeeded', 'failed', 'canceled')),
    dialect text NOT NULL,
    generations bigint NOT NULL CHECK (generations >= 0),
    settled bigint NOT NULL CHECK (settled >= 0),
    PRIMARY KEY (team_id, day, model, state, dialect)
) WITH (fillfactor = 50);
CREATE INDEX team_usage_ever_idx ON team_usage (team_id) WHERE day = '-infinity';
