-- What autovacuum does by itself some minutes later.
VACUUM (ANALYZE) candidates, materials, predictions, candidate_events, validation_results, result_examinations,
    active_learning_runs, candidate_listing, candidate_counts, rankings, prediction_versions
