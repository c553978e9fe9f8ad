-- Generations that members marked for themselves. An administrator marks those of the team too.
CREATE TABLE favorites (
    member_id uuid NOT NULL REFERENCES members,
    generation_id uuid NOT NULL REFERENCES generations,
    -- Its generation's: a list of favorites has the order of all lists.
    created_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, generation_id)
);
CREATE INDEX favorites_member_idx ON favorites (member_id, created_at DESC, generation_id DESC);
