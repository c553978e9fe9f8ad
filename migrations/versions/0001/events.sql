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
