-- A page of the ledger, the newest first, each row with what superseded it and what was found of it.
-- :campaign, :iteration, :material_id, :since, :before  filters, null to leave out
-- :candidate_id  what its campaign may see of its material; null likewise
-- :result_ids    only these; null likewise
-- :limit
SELECT v.result_id, r.campaign, r.iteration, k.candidate_id, v.material_id, m.reduced_formula AS formula, v.property,
       v.method, v.outcome, v.value, v.unit, v.standard_deviation, v.sample, v.batch, v.replicate, v.conditions,
       v.synthesis, v.operator, v.measured_on AS date, v.attachment, v.note, v.validator, v.submitted_by,
       v.created_at AS submitted_at, coalesce(b.name, '') AS submission, v.supersedes, v.reason,
       s.result_id AS superseded_by, s.outcome AS superseded_as, s.submitted_by AS superseded_by_whom,
       s.reason AS superseded_because, e.result_id IS NOT NULL AS is_examined, e.problem,
       r.document ->> 'method' AS learned_method
FROM validation_results v
JOIN materials m USING (material_id)
LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
LEFT JOIN candidates k ON k.partition_key = v.partition_key AND k.material_id = v.material_id
LEFT JOIN result_submissions b ON b.submission_id = v.submission_id
LEFT JOIN validation_results s ON s.supersedes = v.result_id
LEFT JOIN result_examinations e ON e.result_id = v.result_id
WHERE ((CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
          AND (CAST(:iteration AS integer) IS NULL OR r.iteration = :iteration)
       -- What nobody's iteration asked for is of every campaign that suggests the material.
       OR v.partition_key IS NULL AND EXISTS (
           SELECT 1 FROM candidates of_it JOIN active_learning_runs suggesting USING (partition_key)
           WHERE of_it.material_id = v.material_id AND suggesting.campaign = :campaign
             AND (CAST(:iteration AS integer) IS NULL OR suggesting.iteration = :iteration)))
  AND (CAST(:material_id AS text) IS NULL OR v.material_id = :material_id)
  AND (CAST(:since AS timestamptz) IS NULL OR v.created_at >= :since)
  AND (CAST(:before AS bigint) IS NULL OR v.result_id < :before)
  AND (CAST(:result_ids AS bigint[]) IS NULL OR v.result_id = ANY (CAST(:result_ids AS bigint[])))
  AND (CAST(:candidate_id AS bigint) IS NULL OR EXISTS (
      SELECT 1 FROM candidates c JOIN active_learning_runs its USING (partition_key)
      WHERE c.candidate_id = :candidate_id AND c.material_id = v.material_id
        AND (v.partition_key IS NULL OR r.campaign = its.campaign)))
ORDER BY v.result_id DESC
LIMIT :limit
