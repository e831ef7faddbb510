INSERT INTO result_examinations (result_id) SELECT result_id FROM validation_results ON CONFLICT DO NOTHING
