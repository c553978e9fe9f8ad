-- Usage of ended generations, added up: by day of admission, member, key, model, state and tag, and by
-- team.


-- The rows of daily_usage in which each ended generation counts.
CREATE OR REPLACE VIEW usage_of_generations AS
    SELECT g.id AS generation_id, g.member_id, x.tag,
           reelgate_period_on('day', t.time_zone, g.created_at) AS day, x.value,
           g.model, g.state, k.account_id, g.team_id, g.dialect, g.settled
      FROM generations g JOIN teams t ON t.id = g.team_id JOIN api_keys k ON k.id = g.api_key_id
     CROSS JOIN LATERAL (
        SELECT '' AS tag, '' AS value UNION ALL SELECT key, value FROM jsonb_each_text(g.metadata)) x
     WHERE g.settled IS NOT NULL;

-- What the roll-ups have to be.
CREATE OR REPLACE VIEW daily_usage_of_generations AS
    SELECT member_id, tag, day, value, model, state, account_id, team_id,
           count(*) AS generations, sum(settled)::bigint AS settled
      FROM usage_of_generations GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE OR REPLACE VIEW team_usage_of_generations AS
    SELECT u.team_id, d.day, u.model, u.state, u.dialect,
           count(*) AS generations, sum(u.settled)::bigint AS settled
      FROM usage_of_generations u CROSS JOIN LATERAL (VALUES ('-infinity'::date), (u.day)) d(day)
     WHERE u.tag = '' GROUP BY 1, 2, 3, 4, 5;


-- Adds to where an ended generation counts: when it ends 1 and what it cost, and when that is
-- corrected 0 and the difference, which may be negative; its rows are there then. Called after the
-- ledger's entry, so that whoever changes the team's time zone, or makes usage anew, goes before this
-- or after it. Rows are taken in one order: a member's by tag, then the team's by day.
CREATE OR REPLACE FUNCTION reelgate_count_usage(
    p_generation uuid, p_generations bigint, p_settled bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO daily_usage AS d (
        member_id, tag, day, value, model, state, account_id, team_id, generations, settled)
    SELECT u.member_id, u.tag, u.day, u.value, u.model, u.state, u.account_id, u.team_id,
           p_generations, greatest(p_settled, 0)
      FROM usage_of_generations u WHERE u.generation_id = p_generation ORDER BY u.tag
    ON CONFLICT (member_id, tag, day, value, model, state, account_id) DO UPDATE
       SET generations = d.generations + p_generations, settled = d.settled + p_settled;
    INSERT INTO team_usage AS d (team_id, day, model, state, dialect, generations, settled)
    SELECT u.team_id, x.day, u.model, u.state, u.dialect, p_generations, greatest(p_settled, 0)
      FROM usage_of_generations u CROSS JOIN LATERAL (VALUES ('-infinity'::date), (u.day)) x(day)
     WHERE u.generation_id = p_generation AND u.tag = '' ORDER BY x.day
    ON CONFLICT (team_id, day, model, state, dialect) DO UPDATE
       SET generations = d.generations + p_generations, settled = d.settled + p_settled;
END $$;


-- Makes the usage of a team what its generations add up to; of all teams where it is null. The caller
-- keeps generations from ending meanwhile.
CREATE OR REPLACE FUNCTION reelgate_rebuild_usage(p_team uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM daily_usage d WHERE p_team IS NULL OR d.team_id = p_team;
    INSERT INTO daily_usage SELECT * FROM daily_usage_of_generations g
     WHERE p_team IS NULL OR g.team_id = p_team;
    DELETE FROM team_usage d WHERE p_team IS NULL OR d.team_id = p_team;
    INSERT INTO team_usage SELECT * FROM team_usage_of_generations g
     WHERE p_team IS NULL OR g.team_id = p_team;
END $$;
