-- Of a generation; or of the credits of a member, or of a team: then `data` is what is told.
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid,
    -- Those of its generation, or of whose credits it tells.
    team_id uuid NOT NULL,
    member_id uuid,
    type text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    txid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    CONSTRAINT events_whose_check CHECK (generation_id IS NULL OR member_id IS NOT NULL)
);
CREATE INDEX events_generation_id_idx ON events (generation_id);
CREATE INDEX events_member_idx ON events (member_id, txid, id);
CREATE INDEX events_team_idx ON events (team_id, txid, id) WHERE member_id IS NULL;
CREATE INDEX events_order_idx ON events (txid, id);
