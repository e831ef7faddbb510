-- Note that every structure that had features then has components.
-- Parameters: feature_set, noted_at.
UPDATE vector_bases SET noted_at = :noted_at WHERE feature_set = :feature_set;
