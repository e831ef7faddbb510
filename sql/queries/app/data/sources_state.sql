-- What moves when something was fetched, loaded, dropped or set aside: the counts of sources take longer.
SELECT count(*) AS n_files, max(fetched_at) AS fetched_at, count(*) FILTER (WHERE parse_status = 'pending') AS n_waiting,
    count(*) FILTER (WHERE parse_status = 'failed') AS n_failed,
    (SELECT max(quarantine_id) FROM quarantine) AS last_set_aside
FROM raw_files;
