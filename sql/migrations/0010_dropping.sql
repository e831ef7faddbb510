-- What came from a raw file can be dropped: each row that goes is looked for in every table that names materials.
CREATE INDEX iteration_labels_material ON iteration_labels (material_id);
CREATE INDEX campaign_test_set_material ON campaign_test_set (material_id);
CREATE INDEX predictions_material ON predictions (material_id);
CREATE INDEX raw_files_slot ON raw_files (source, (request ->> 'slot'), fetched_at DESC, raw_file_id DESC);
