-- A signed-in browser. It acts with a key: what ends the key ends it, and what limits the key limits
-- it. The secret in the browser's cookie is kept only as its SHA-256.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    key_id uuid NOT NULL REFERENCES api_keys,
    secret_sha256 bytea NOT NULL UNIQUE,
    method text NOT NULL CHECK (method IN ('key', 'link', 'oidc')),
    address text,
    browser text,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    recent_auth_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sessions_key_id_idx ON sessions (key_id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

-- Each opens one session, once.
CREATE TABLE sign_in_links (
    secret_sha256 bytea PRIMARY KEY,
    key_id uuid NOT NULL REFERENCES api_keys,
    expires_at timestamptz NOT NULL
);
