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


-- How many of a queue's waiting jobs go before the one of this priority and number, up to `p_most`.
-- Reads no more than those, whatever else waits.
CREATE OR REPLACE FUNCTION reelgate_count_ahead(
    p_kind text, p_priority integer, p_id bigint, p_most integer
) RETURNS integer LANGUAGE plpgsql STABLE
-- A queue is often long and new, and its statistics are of another day: a scan that must not be sorted
-- has one way only, the index of that order.
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_sort = off
AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM procrastinate_jobs j
         WHERE j.queue_name = p_kind AND j.status = 'todo'
           AND (-j.priority, j.id) < (-p_priority, p_id)
         ORDER BY -j.priority, j.id LIMIT p_most) ahead);
END $$;


-- The place in the queue of a generation's submission: 1 for the next one, `p_most` for that and all
-- after it. Null where none waits: it is being sent.
CREATE OR REPLACE FUNCTION reelgate_queue_position(p_generation uuid, p_most integer)
RETURNS integer LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
DECLARE
    v_priority integer;
    v_id bigint;
BEGIN
    SELECT j.priority, j.id INTO v_priority, v_id FROM procrastinate_jobs j
     WHERE j.queueing_lock = 'submit:' || p_generation AND j.status = 'todo';
    IF FOUND THEN
        RETURN 1 + reelgate_count_ahead('submit', v_priority, v_id, p_most - 1);
    END IF;
    RETURN NULL;
END $$;
