-- How long the last calculations by a validator and a method took: their median, and of how many it is.
-- :validator, :method
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds, count(*) AS n
FROM (
    SELECT extract(epoch FROM finished_at - started_at) AS seconds
    FROM validation_jobs
    WHERE validator = :validator AND method = :method AND status = 'done'
      AND started_at IS NOT NULL AND finished_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT 50
) last
