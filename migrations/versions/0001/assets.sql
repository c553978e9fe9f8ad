CREATE TABLE assets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    -- Its generation's.
    team_id uuid NOT NULL,
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
CREATE INDEX assets_archived_idx ON assets (team_id, archived_at) WHERE state = 'archived';
CREATE INDEX assets_leftover_idx ON assets (id) WHERE state = 'deleted' AND path IS NOT NULL;
