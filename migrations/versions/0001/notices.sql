-- An account has reached so many percent of its limit in the period that begins on this day: once.
-- `data` is what its readers are told, with the figures of that moment.
CREATE TABLE notices (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('key', 'member', 'team')),
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid REFERENCES members,
    period text NOT NULL CHECK (period IN ('none', 'day', 'week', 'month')),
    period_on date NOT NULL,
    percent integer NOT NULL CONSTRAINT notices_percent_check CHECK (percent BETWEEN 1 AND 100),
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, period, period_on, percent)
);
CREATE INDEX notices_member_idx ON notices (member_id);
CREATE INDEX notices_team_idx ON notices (team_id);
CREATE INDEX notices_created_idx ON notices (created_at);
