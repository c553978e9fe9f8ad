CREATE TABLE pauses (
    name text PRIMARY KEY CHECK (name IN ('admission', 'submission')),
    paused boolean NOT NULL DEFAULT false,
    reason text,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO pauses (name) VALUES ('admission'), ('submission');

-- Written by every request to the upstream.
CREATE TABLE upstream_keys (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label text NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'set_aside', 'paused')),
    reason text,
    set_aside_at timestamptz,
    return_at timestamptz,
    needed bigint,
    looked_at timestamptz,
    test_requested_at timestamptz,
    tested_at timestamptz,
    test_result text CHECK (test_result IN ('ok', 'rejected', 'unreachable')),
    arrival_at timestamptz NOT NULL DEFAULT now(),
    minute_at timestamptz,
    minute_requests integer NOT NULL DEFAULT 0,
    breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_failures integer NOT NULL DEFAULT 0,
    breaker_probes integer NOT NULL DEFAULT 0,
    breaker_until timestamptz,
    seen_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT upstream_keys_breaker_until_check CHECK (CASE breaker
        WHEN 'closed' THEN breaker_until IS NULL AND breaker_probes = 0
        WHEN 'half_open' THEN breaker_probes > 0
        ELSE breaker_until IS NOT NULL END)
) WITH (fillfactor = 50);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    team_id uuid,
    team text,
    member text,
    key_prefix text,
    address text,
    detail jsonb NOT NULL DEFAULT '{}'
);
-- Newest first: all, about a team, by who acted, of a subject, of an action, of a family of actions.
CREATE INDEX audit_log_created_idx ON audit_log (created_at, id);
CREATE INDEX audit_log_team_idx ON audit_log (team_id, created_at, id);
CREATE INDEX audit_log_actor_idx ON audit_log (actor, created_at, id);
CREATE INDEX audit_log_subject_idx ON audit_log (subject, created_at, id);
CREATE INDEX audit_log_action_idx ON audit_log (action, created_at, id);
CREATE INDEX audit_log_family_idx ON audit_log (split_part(action, '.', 1), created_at, id);
