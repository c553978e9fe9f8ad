-- Who a member is at an issuer of OpenID Connect. A person may be a member of several teams, one at
-- a time in each; (issuer, subject) is the person, and nothing else that the issuer says.
CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    team_id uuid NOT NULL REFERENCES teams,
    member_id uuid NOT NULL REFERENCES members,
    -- What its sessions act with. Nobody knows the secret of this key.
    key_id uuid REFERENCES api_keys,
    -- Whether it lasts without a group: an operator accepted the person, or it is the default.
    lasting boolean NOT NULL,
    -- Whether the last sign-in found a group that gives this team and the role.
    grouped boolean NOT NULL,
    -- When the last such group went away, and the member was suspended for it. Null once the member
    -- is back, and once anybody decides about its status.
    left_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    signed_in_at timestamptz,
    PRIMARY KEY (issuer, subject, team_id)
);
CREATE INDEX identities_member_idx ON identities (member_id);
CREATE INDEX identities_key_idx ON identities (key_id);

-- People whom an issuer has signed in, whom no group and no default gives a team: an operator
-- accepts them or not.
CREATE TABLE sign_in_requests (
    id uuid PRIMARY KEY,
    issuer text NOT NULL,
    subject text NOT NULL,
    name text NOT NULL,
    email text,
    email_verified boolean,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    refused_at timestamptz,
    refused_by text,
    refusal text,
    UNIQUE (issuer, subject)
);
CREATE INDEX sign_in_requests_created_idx ON sign_in_requests (created_at, id);
CREATE INDEX sign_in_requests_seen_idx ON sign_in_requests (seen_at);

-- Answers of issuers that signed somebody in, so that none of them does twice.
CREATE TABLE used_sign_ins (
    state_sha256 bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_sign_ins_expires_idx ON used_sign_ins (expires_at);
