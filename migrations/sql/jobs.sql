-- Work, as rows.


-- One row of work in the caller's transaction. At most one job of a kind waits for a subject (a
-- generation, or a delivery of a webhook): asking again while one waits changes nothing.
CREATE OR REPLACE FUNCTION reelgate_enqueue(
    p_kind text, p_subject uuid, p_priority integer, p_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        p_kind, p_kind, p_priority, NULL, p_kind || ':' || p_subject,
        jsonb_build_object('subject_id', p_subject), p_at
    )::procrastinate_job_to_defer_v1]);
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$;
