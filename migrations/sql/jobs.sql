-- Work, as rows of the job library.


-- One row of work in the caller's transaction. At most one job of a kind waits for a subject (a
-- generation, or a delivery of a webhook): asking again while one waits changes nothing. The row is
-- written here and not by the library's function, which takes arrays of jobs and fails where one
-- waits: that costs each create a subtransaction.
CREATE OR REPLACE FUNCTION reelgate_enqueue(
    p_kind text, p_subject uuid, p_priority integer, p_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO procrastinate_jobs
        (queue_name, task_name, priority, queueing_lock, args, scheduled_at)
    VALUES (p_kind, p_kind, p_priority, p_kind || ':' || p_subject,
            jsonb_build_object('subject_id', p_subject), p_at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
$$;
