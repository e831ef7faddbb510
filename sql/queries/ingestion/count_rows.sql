-- What became of the rows of one raw file.
-- Parameters: source, raw_sha256, retrieved_at.
SELECT
    (SELECT count(*) FROM material_sources
     WHERE source = :source AND raw_sha256 = :raw_sha256
       AND retrieved_at = CAST(:retrieved_at AS timestamptz)) AS loaded,
    (SELECT count(DISTINCT record) FROM quarantine
     WHERE source = :source AND raw_sha256 = :raw_sha256) AS quarantined;
