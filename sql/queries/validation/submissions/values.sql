-- Results by their numbers, as previews show what is corrected.
-- Parameters: result_ids (bigint array).
SELECT result_id, outcome, value, unit, standard_deviation FROM validation_results
WHERE result_id = ANY (CAST(:result_ids AS bigint[]))
