-- How far a campaign is, and how often a step was taken from a worker that had it.
SELECT status, stop_reason,
    (SELECT count(*) FROM active_learning_runs WHERE campaign = c.name) AS n_opened,
    (SELECT coalesce(sum(takes - 1), 0) FROM step_leases WHERE takes > 1)::integer AS n_taken_again
FROM campaigns c WHERE name = :name
