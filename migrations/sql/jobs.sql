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


-- The place in the queue of a generation's submission: 1 for the next one, `p_most` for that and all
-- after it. Null where none waits: it is being sent. Reads no more than that, however many wait.
CREATE OR REPLACE FUNCTION reelgate_queue_position(p_generation uuid, p_most integer)
RETURNS integer LANGUAGE plpgsql STABLE
-- A queue is often long and new: its statistics say that reading the whole table costs less.
SET enable_seqscan = off
AS $$
DECLARE
    v_priority integer;
    v_id bigint;
    v_ahead integer;
BEGIN
    SELECT j.priority, j.id INTO v_priority, v_id FROM procrastinate_jobs j
     WHERE j.queueing_lock = 'submit:' || p_generation AND j.status = 'todo';
    IF FOUND THEN
        SELECT count(*) INTO v_ahead FROM (
            SELECT FROM procrastinate_jobs o
             WHERE o.queue_name = 'submit' AND o.status = 'todo' AND o.priority > v_priority
            UNION ALL
            SELECT FROM procrastinate_jobs o
             WHERE o.queue_name = 'submit' AND o.status = 'todo'
               AND o.priority = v_priority AND o.id < v_id
            LIMIT p_most - 1) ahead;
    END IF;
    RETURN 1 + v_ahead;
END $$;
