"""The tables, in the order of their references: who may ask, what is asked, what becomes of it, who
hears of it. `app/db/tables.py`, `member_tables.py` and `operator_tables.py` say what the columns
mean.

Revision: 0001
"""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MEMBERS = """
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
"""

OPERATORS = """
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
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'set_aside')),
    reason text,
    set_aside_at timestamptz,
    return_at timestamptz,
    arrival_at timestamptz NOT NULL DEFAULT now(),
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
    team text,
    member text,
    key_prefix text,
    address text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_subject_idx ON audit_log (subject, id);
"""

GENERATIONS = """
CREATE TABLE generations (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    api_key_id uuid NOT NULL REFERENCES api_keys,
    -- What was asked.
    dialect text NOT NULL,
    feature text NOT NULL,
    provider text NOT NULL,
    spec jsonb NOT NULL,
    prompt_head bigint,
    prompt_digest bigint,
    echo jsonb NOT NULL DEFAULT '{}',
    remixed_from uuid,
    callback_url text,
    end_user text,
    metadata jsonb NOT NULL DEFAULT '{}',
    fingerprint bytea NOT NULL,
    sdk_first integer,
    sdk_last integer,
    sdk_last_at timestamptz,
    -- Where it is.
    state text NOT NULL CHECK (state IN (
        'queued', 'submitting', 'running', 'succeeded', 'failed', 'canceled', 'unknown')),
    priority integer NOT NULL DEFAULT 0,
    attempt uuid,
    attempts integer NOT NULL DEFAULT 0,
    upstream_key_id integer REFERENCES upstream_keys,
    upstream_id text,
    polls integer NOT NULL DEFAULT 0,
    -- What it cost, and what came of it.
    quote bigint NOT NULL CHECK (quote > 0),
    settled bigint,
    result_paths jsonb NOT NULL DEFAULT '[]',
    unknown_reason text,
    error_code text,
    error_message text,
    upstream_answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    queue_deadline_at timestamptz NOT NULL,
    submitted_at timestamptz,
    running_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT generations_settled_check CHECK (settled >= 0 AND settled <= quote),
    CONSTRAINT generations_running_has_id_check
        CHECK (state <> 'running' OR upstream_id IS NOT NULL),
    CONSTRAINT generations_finished_check
        CHECK ((state IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX generations_upstream_idx ON generations (lower(upstream_id))
    WHERE upstream_id IS NOT NULL;
CREATE INDEX generations_prompt_idx ON generations (prompt_head, prompt_digest);
CREATE INDEX generations_member_idx ON generations (member_id, created_at DESC, id DESC);
CREATE INDEX generations_team_idx ON generations (team_id, created_at DESC, id DESC);
CREATE INDEX generations_end_user_idx ON generations (team_id, end_user, created_at DESC, id DESC)
    WHERE end_user IS NOT NULL;
-- Finds tags, each pair as a whole. A row without any is not in it, and pays nothing for it. Tags
-- that many have are found by the index of their team or member, newest first.
CREATE INDEX generations_metadata_idx ON generations USING gin (metadata jsonb_path_ops)
    WHERE metadata <> '{}';
-- The sums of each team and dialect, which metrics read often: from the index alone.
CREATE INDEX generations_sums_idx ON generations (team_id, dialect)
    INCLUDE (state, quote, settled);
CREATE INDEX generations_open_idx ON generations (member_id)
    WHERE state IN ('queued', 'submitting', 'running');
CREATE INDEX generations_submitting_idx ON generations (upstream_key_id, submitted_at)
    WHERE state = 'submitting';
CREATE INDEX generations_unfinished_idx ON generations (state, created_at)
    WHERE state IN ('queued', 'submitting', 'running', 'unknown');
CREATE INDEX generations_history_idx
    ON generations ((spec ->> 'model'), (spec ->> 'duration'), finished_at DESC)
    WHERE state = 'succeeded';

CREATE TABLE idempotency_keys (
    member_id uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    generation_id uuid NOT NULL REFERENCES generations ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, scope, key)
);
CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_generation_idx ON idempotency_keys (generation_id);

-- Never changed. Each entry says what it adds to the balances of its key, its member and its team,
-- in the period of `counts_at`: when the generation was admitted.
CREATE TABLE ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    api_key_id uuid NOT NULL REFERENCES api_keys,
    kind text NOT NULL CHECK (kind IN ('hold', 'settle', 'release')),
    held bigint NOT NULL,
    settled bigint NOT NULL,
    counts_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entries_credits_check CHECK (CASE kind
        WHEN 'hold' THEN held > 0 AND settled = 0
        WHEN 'settle' THEN settled > 0 AND held <= -settled
        ELSE held < 0 AND settled = 0 END)
);
CREATE UNIQUE INDEX ledger_entries_hold_idx ON ledger_entries (generation_id) WHERE kind = 'hold';
CREATE UNIQUE INDEX ledger_entries_end_idx ON ledger_entries (generation_id) WHERE kind <> 'hold';
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

CREATE TABLE assets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    kind text NOT NULL CHECK (kind IN ('video', 'thumbnail')),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'archived', 'set_aside', 'lost', 'deleted')),
    source_link text,
    source_expires_at timestamptz,
    path text,
    content_type text NOT NULL DEFAULT 'video/mp4',
    size_bytes bigint,
    sha256 text,
    duration_seconds double precision,
    width integer,
    height integer,
    codec text,
    mismatch text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    unfinished_reads integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    CONSTRAINT assets_archived_check CHECK (
        state NOT IN ('archived', 'set_aside')
        OR (path IS NOT NULL AND sha256 IS NOT NULL AND size_bytes > 0)),
    UNIQUE (generation_id, kind)
);
CREATE INDEX assets_unarchived_idx ON assets (created_at)
 WHERE state IN ('pending', 'set_aside', 'lost');
CREATE INDEX assets_archived_idx ON assets (archived_at) WHERE state = 'archived';
CREATE INDEX assets_leftover_idx ON assets (id) WHERE state = 'deleted' AND path IS NOT NULL;
"""

EVENTS = """
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    type text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    txid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
);
CREATE INDEX events_generation_id_idx ON events (generation_id);
CREATE INDEX events_member_idx ON events (member_id, id);
CREATE INDEX events_order_idx ON events (txid, id);

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
    member_id uuid NOT NULL REFERENCES members,
    generation_id uuid REFERENCES generations,
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
CREATE INDEX webhook_deliveries_endpoint_idx ON webhook_deliveries (endpoint_id, created_at);
CREATE INDEX webhook_deliveries_member_idx ON webhook_deliveries (member_id, created_at);
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
"""

# A notification inside a transaction takes a lock of the whole server at commit and keeps it until
# the disk has the commit: creates would go one after the other. Workers poll instead.
SILENT_JOBS = """
ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
"""


def upgrade() -> None:
    # The driver's own cursor: `%` and `:` in these texts are SQL, not parameters.
    cursor = op.get_bind().connection.cursor()
    jobs = SchemaManager.get_schema()
    for part in (MEMBERS, OPERATORS, GENERATIONS, EVENTS, jobs, SILENT_JOBS):
        cursor.execute(part)


def downgrade() -> None:
    raise NotImplementedError("The schema only goes forward: restore a backup to go back.")
