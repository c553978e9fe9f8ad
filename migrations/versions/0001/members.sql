CREATE TABLE teams (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    ended_at timestamptz,
    credit_limit bigint CHECK (credit_limit >= 0),
    credit_period text NOT NULL DEFAULT 'none'
        CHECK (credit_period IN ('none', 'day', 'week', 'month')),
    time_zone text NOT NULL DEFAULT 'UTC',
    retention_days integer CHECK (retention_days > 0),
    required_tags text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    name text NOT NULL,
    role text NOT NULL DEFAULT 'MEMBER' CHECK (role IN ('ADMIN', 'MEMBER')),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    ended_at timestamptz,
    credit_limit bigint NOT NULL CHECK (credit_limit >= 0),
    credit_period text NOT NULL DEFAULT 'none'
        CHECK (credit_period IN ('none', 'day', 'week', 'month')),
    rate_per_minute integer NOT NULL,
    rate_burst integer NOT NULL,
    max_open integer NOT NULL CHECK (max_open > 0),
    callback_seed text NOT NULL DEFAULT '',
    previous_callback_seed text,
    previous_callback_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT members_rate_check CHECK (rate_per_minute > 0 AND rate_burst > 0),
    UNIQUE (team_id, name)
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE,
    account_id uuid NOT NULL,
    scopes text[] NOT NULL DEFAULT '{generate,read,team,operate}',
    models text[],
    addresses text[],
    rate_per_minute integer CHECK (rate_per_minute > 0),
    rate_burst integer CHECK (rate_burst > 0),
    max_open integer CHECK (max_open > 0),
    credit_limit bigint CHECK (credit_limit >= 0),
    credit_period text NOT NULL DEFAULT 'none'
        CHECK (credit_period IN ('none', 'day', 'week', 'month')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_rate_check CHECK ((rate_per_minute IS NULL) = (rate_burst IS NULL))
);
CREATE INDEX api_keys_member_id_idx ON api_keys (member_id);
CREATE INDEX api_keys_account_id_idx ON api_keys (account_id);

-- Of requests that make teams, members, keys and grants; those of generations have a table of their
-- own, which admission writes.
CREATE TABLE management_idempotency_keys (
    member_id uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    made_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, key)
);
CREATE INDEX management_idempotency_keys_expires_idx ON management_idempotency_keys (expires_at);

-- Written by every create: half of each page is left free, so that no index has to follow.
CREATE TABLE rate_states (
    member_id uuid PRIMARY KEY REFERENCES members ON DELETE CASCADE,
    arrival_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Of keys with a rate of their own, by their accounts. The member's row is the lock of both.
CREATE TABLE key_rate_states (
    account_id uuid PRIMARY KEY,
    arrival_at timestamptz NOT NULL
) WITH (fillfactor = 50);
