INSERT INTO told_corrections (result_id)
SELECT unnest(CAST(:result_ids AS bigint[])) ON CONFLICT DO NOTHING
