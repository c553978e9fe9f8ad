-- Images that members uploaded to make videos of. Bytes that several members of a team uploaded are
-- one file of the archive, which goes with the last row that names it.
CREATE TABLE inputs (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ready', 'deleted')),
    name text NOT NULL,
    path text,
    sha256 text NOT NULL,
    content_type text NOT NULL
        CHECK (content_type IN ('image/png', 'image/jpeg', 'image/webp')),
    size_bytes bigint NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT inputs_size_check CHECK (size_bytes > 0 AND width > 0 AND height > 0),
    CONSTRAINT inputs_path_check CHECK (state = 'deleted' OR path IS NOT NULL)
);
-- What somebody uploads twice is there once.
CREATE UNIQUE INDEX inputs_same_idx ON inputs (member_id, sha256) WHERE state = 'ready';
CREATE INDEX inputs_member_idx ON inputs (member_id, created_at DESC, id DESC)
    WHERE state <> 'deleted';
CREATE INDEX inputs_team_idx ON inputs (team_id, sha256) WHERE state = 'ready';
CREATE INDEX inputs_path_idx ON inputs (path) WHERE path IS NOT NULL;
CREATE INDEX inputs_expires_idx ON inputs (expires_at) WHERE state <> 'deleted';
CREATE INDEX inputs_leftover_idx ON inputs (id) WHERE state = 'deleted' AND path IS NOT NULL;

-- How often a member uploads. Written by every upload.
CREATE TABLE upload_rate_states (
    member_id uuid PRIMARY KEY REFERENCES members ON DELETE CASCADE,
    arrival_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Which generation is made of which inputs. Released: the generation keeps it no longer.
CREATE TABLE generation_inputs (
    generation_id uuid NOT NULL REFERENCES generations,
    input_id uuid NOT NULL REFERENCES inputs,
    -- Its generation's.
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    PRIMARY KEY (generation_id, input_id)
);
CREATE INDEX generation_inputs_kept_idx ON generation_inputs (input_id) WHERE released_at IS NULL;
CREATE INDEX generation_inputs_team_idx ON generation_inputs (team_id, created_at)
    WHERE released_at IS NULL;

-- Inputs at the upstream. A path is good only with the key whose account got the file.
CREATE TABLE input_uploads (
    generation_id uuid NOT NULL,
    input_id uuid NOT NULL,
    upstream_key_id integer NOT NULL REFERENCES upstream_keys,
    upstream_path text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    uploaded_at timestamptz,
    PRIMARY KEY (generation_id, input_id, upstream_key_id),
    FOREIGN KEY (generation_id, input_id) REFERENCES generation_inputs
);
