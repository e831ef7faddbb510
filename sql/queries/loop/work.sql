-- What is to do about the results of each iteration of a campaign; iterations with nothing to do are left out.
-- Parameters: campaign, answers (how its validator answers).
WITH work AS (
    SELECT partition_key, count(*) FILTER (WHERE state = 'working') AS n_working,
           count(*) FILTER (WHERE state = 'due') AS n_to_collect
    FROM candidate_work(:campaign, :answers)
    GROUP BY partition_key
),
unexamined AS (
    SELECT r.partition_key, count(*) AS n
    FROM active_learning_runs r
    JOIN validation_results v USING (partition_key)
    WHERE r.campaign = :campaign
      AND NOT EXISTS (SELECT 1 FROM result_examinations e WHERE e.result_id = v.result_id)
    GROUP BY r.partition_key
)
SELECT r.partition_key, coalesce(u.n, 0) AS n_unexamined, coalesce(w.n_working, 0) AS n_working,
       coalesce(w.n_to_collect, 0) AS n_to_collect, iteration_standing(r.partition_key) <> r.settled AS is_unsettled
FROM active_learning_runs r
LEFT JOIN work w USING (partition_key)
LEFT JOIN unexamined u USING (partition_key)
WHERE r.campaign = :campaign
