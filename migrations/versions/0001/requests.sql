-- A member asks for more credits, in its own account or in that of a key of its.
CREATE TABLE credit_requests (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('key', 'member')),
    credits bigint NOT NULL CHECK (credits > 0),
    reason text NOT NULL,
    ends_at timestamptz,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'granted', 'refused', 'withdrawn')),
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text,
    decision text,
    grant_id uuid UNIQUE REFERENCES grants,
    CONSTRAINT credit_requests_decided_check CHECK (
        (decided_at IS NULL) = (state = 'open') AND (decided_by IS NULL) = (state = 'open')
        AND (grant_id IS NOT NULL) = (state = 'granted'))
);
CREATE UNIQUE INDEX credit_requests_open_idx ON credit_requests (member_id) WHERE state = 'open';
CREATE INDEX credit_requests_member_idx ON credit_requests (member_id, created_at);
CREATE INDEX credit_requests_team_idx ON credit_requests (team_id, created_at);
CREATE INDEX credit_requests_created_idx ON credit_requests (created_at);
