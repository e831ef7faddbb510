-- Candidates that a calculation answers for, or one by its number, newest first.
SELECT c.candidate_id, c.material_id, c.status::text AS status, c.rejection_kind::text AS rejection_kind,
    r.partition_key, r.status AS iteration_status, g.document ->> 'validator' AS validator,
    g.document ->> 'method' AS method
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
JOIN campaigns g ON g.name = r.campaign
WHERE c.candidate_id = :candidate_id
   OR c.material_id = :material_id AND g.document ->> 'validator' = :validator AND g.document ->> 'method' = :method
ORDER BY c.candidate_id DESC
