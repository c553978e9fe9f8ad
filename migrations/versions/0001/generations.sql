-- Whether the columns of a generation agree. A function, because every statement that writes a row reads
-- the expressions of its checks anew, and that of a call is short.
CREATE FUNCTION generation_is_sound(
    p_state text, p_quote bigint, p_settled bigint, p_upstream_id text, p_finished_at timestamptz
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN p_state IN (
            'queued', 'submitting', 'running', 'succeeded', 'failed', 'canceled', 'unknown')
        AND p_quote > 0
        AND (p_settled IS NULL OR p_settled BETWEEN 0 AND p_quote)
        AND (p_state <> 'running' OR p_upstream_id IS NOT NULL)
        AND (p_state IN ('succeeded', 'failed', 'canceled')) = (p_finished_at IS NOT NULL);
END $$;

-- Its hold, made in the same transaction, refers to the same team, member and key: see ledger_entries.
CREATE TABLE generations (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL,
    member_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    -- What was asked.
    dialect text NOT NULL,
    feature text NOT NULL,
    provider text NOT NULL,
    spec jsonb NOT NULL,
    model text NOT NULL,
    kind text NOT NULL,
    prompt_head bigint,
    prompt_digest bigint,
    echo jsonb NOT NULL DEFAULT '{}',
    remixed_from uuid,
    callback_url text,
    end_user text,
    metadata jsonb NOT NULL DEFAULT '{}',
    inputs jsonb NOT NULL DEFAULT '[]',
    fingerprint bytea NOT NULL,
    written bytea,
    sdk_first integer,
    sdk_last integer,
    sdk_last_at timestamptz,
    -- Where it is.
    state text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    attempt uuid,
    attempts integer NOT NULL DEFAULT 0,
    upstream_key_id integer REFERENCES upstream_keys,
    upstream_id text,
    polls integer NOT NULL DEFAULT 0,
    -- What it cost, and what came of it.
    quote bigint NOT NULL,
    price_id uuid,
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
    CONSTRAINT generations_sound_check
        CHECK (generation_is_sound(state, quote, settled, upstream_id, finished_at))
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
CREATE INDEX generations_submitting_idx ON generations (upstream_key_id, submitted_at)
    WHERE state = 'submitting';
-- Few, however long the past is: how many a member has open, and what is in progress or unknown.
CREATE INDEX generations_unfinished_idx ON generations (state, member_id)
    WHERE state IN ('queued', 'submitting', 'running', 'unknown');
CREATE INDEX generations_history_idx ON generations (kind, finished_at DESC)
    WHERE state = 'succeeded';

CREATE TABLE idempotency_keys (
    member_id uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    generation_id uuid NOT NULL REFERENCES generations,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, scope, key)
);
CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at);

-- The latest creates of SDKs that repeat a create without marking it, by what was asked.
CREATE TABLE unmarked_calls (
    api_key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    fingerprint bytea NOT NULL,
    written bytea,
    generation_id uuid NOT NULL REFERENCES generations,
    created_at timestamptz NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (api_key_id, fingerprint),
    UNIQUE (generation_id)
);
CREATE INDEX unmarked_calls_created_idx ON unmarked_calls (created_at);
