-- Statements: what a team spent in a calendar month.


-- Takes what a team has spent before `p_ends_at`, and no statement has yet, as the lines of this one.
-- What is still held then follows, for the generations that were admitted before. One snapshot has
-- both, so a generation that ends meanwhile is in one of the two; an entry that is committed later
-- waits for the next statement.
CREATE OR REPLACE FUNCTION reelgate_collect_lines(
    p_statement uuid, p_team uuid, p_zone text, p_ends_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    WITH taken AS (
        DELETE FROM unclosed_entries u WHERE u.team_id = p_team AND u.counts_at < p_ends_at
        RETURNING u.ledger_entry_id
    ), entries AS (
        SELECT l.id, l.kind, l.settled AS credits, 0::bigint AS held
          FROM taken t JOIN ledger_entries l ON l.id = t.ledger_entry_id
         UNION ALL
        SELECT l.id, CASE g.state WHEN 'unknown' THEN 'unknown' ELSE 'open' END, 0, l.held
          FROM generations g
          JOIN ledger_entries l ON l.generation_id = g.id AND l.kind = 'hold'
         WHERE g.state IN ('queued', 'submitting', 'running', 'unknown')
           AND g.created_at < p_ends_at AND g.team_id = p_team
    )
    INSERT INTO statement_lines (
        statement_id, position, ledger_entry_id, generation_id, day, member_id, member, key_id, key,
        key_prefix, model, tags, kind, credits, held)
    SELECT p_statement, row_number() OVER (ORDER BY e.held > 0, l.counts_at, e.id), e.id, g.id,
           (l.counts_at AT TIME ZONE p_zone)::date, m.id, m.name, k.id, k.name, k.prefix,
           g.model, g.metadata, e.kind, e.credits, e.held
      FROM entries e JOIN ledger_entries l ON l.id = e.id
      JOIN generations g ON g.id = l.generation_id
      JOIN members m ON m.id = l.member_id JOIN api_keys k ON k.id = l.api_key_id
$$;


-- Entries that are not in one statement, or waiting for one, and have to be; or are, and have not to.
CREATE OR REPLACE VIEW entries_out_of_place AS
    SELECT l.id AS ledger_entry_id, l.team_id, l.generation_id, l.kind, l.settled
      FROM ledger_entries l
      LEFT JOIN unclosed_entries u
        ON (u.team_id, u.counts_at, u.ledger_entry_id) = (l.team_id, l.counts_at, l.id)
      LEFT JOIN statement_lines s
        ON s.ledger_entry_id = l.id AND s.kind IN ('settle', 'correct')
     WHERE (l.settled <> 0)::integer
        <> (u.ledger_entry_id IS NOT NULL)::integer + (s.ledger_entry_id IS NOT NULL)::integer;
