-- Links to one video for people without a key. What is here works: a share that ends is deleted, and
-- so are those of a video that is deleted. The secret in the link is kept only as its SHA-256.
CREATE TABLE shares (
    id uuid PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES generations,
    -- Who made it, and with which key.
    member_id uuid NOT NULL REFERENCES members,
    api_key_id uuid NOT NULL REFERENCES api_keys,
    secret_sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX shares_generation_id_idx ON shares (generation_id);
CREATE INDEX shares_api_key_id_idx ON shares (api_key_id);
CREATE INDEX shares_expires_idx ON shares (expires_at);
