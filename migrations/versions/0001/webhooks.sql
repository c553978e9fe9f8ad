CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid REFERENCES members,
    url text NOT NULL,
    format text NOT NULL DEFAULT 'reelgate' CHECK (format IN ('reelgate', 'openai')),
    event_types jsonb NOT NULL,
    description text,
    state text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    disabled_reason text,
    failing_since timestamptz,
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamptz,
    api_key_id uuid REFERENCES api_keys,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_endpoints_team_id_idx ON webhook_endpoints (team_id);
CREATE INDEX webhook_endpoints_member_id_idx ON webhook_endpoints (member_id);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid REFERENCES members,
    generation_id uuid REFERENCES generations,
    data jsonb,
    endpoint_id uuid REFERENCES webhook_endpoints,
    event_id bigint REFERENCES events ON DELETE SET NULL,
    type text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz,
    finished_at timestamptz,
    UNIQUE (event_id, endpoint_id)
);
CREATE UNIQUE INDEX webhook_deliveries_callback_idx ON webhook_deliveries (event_id)
    WHERE endpoint_id IS NULL;
CREATE INDEX webhook_deliveries_pending_idx ON webhook_deliveries (next_attempt_at)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (team_id, created_at, id)
    WHERE state = 'failed';
CREATE INDEX webhook_deliveries_endpoint_idx ON webhook_deliveries (endpoint_id, created_at);
CREATE INDEX webhook_deliveries_member_idx ON webhook_deliveries (member_id, created_at)
    WHERE endpoint_id IS NULL;
CREATE INDEX webhook_deliveries_generation_idx ON webhook_deliveries (generation_id);
CREATE INDEX webhook_deliveries_team_idx ON webhook_deliveries (team_id, created_at);
CREATE INDEX webhook_deliveries_created_idx ON webhook_deliveries (created_at);

CREATE TABLE webhook_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seconds double precision NOT NULL,
    request_headers jsonb NOT NULL,
    request_body text NOT NULL,
    status integer,
    error text,
    answer text
);
CREATE INDEX webhook_attempts_delivery_id_idx ON webhook_attempts (delivery_id);
