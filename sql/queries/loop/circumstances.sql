-- What decides whether a run that failed would fail again, as far as the database knows.
-- Parameters: campaign, fingerprint (of the backbone).
SELECT concat_ws(
    ' ',
    (SELECT sha256 FROM campaigns WHERE name = :campaign),
    (SELECT string_agg(concat_ws(':', source, records, own, identity), ',' ORDER BY source) FROM material_totals),
    (SELECT max(raw_file_id) FROM raw_files),
    (SELECT max(noted_at) FROM feature_sets WHERE fingerprint = :fingerprint),
    (SELECT max(v.result_id) FROM validation_results v
     LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
     WHERE r.campaign = :campaign OR v.partition_key IS NULL)
) AS circumstances
