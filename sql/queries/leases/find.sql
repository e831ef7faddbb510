-- The steps that a run has handed over, with ages in seconds by the database's clock.
SELECT step_key, attempt, queue, submissions, holder, host, pid, process_started, takes, problem,
    extract(epoch FROM clock_timestamp() - submitted_at)::double precision AS waited_s,
    extract(epoch FROM clock_timestamp() - beat_at)::double precision AS silent_s,
    extract(epoch FROM clock_timestamp() - ended_at)::double precision AS ended_s
FROM step_leases WHERE run_id = :run_id
