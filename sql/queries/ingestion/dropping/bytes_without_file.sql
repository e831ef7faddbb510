-- Which hashes no raw file names; until the end of the transaction nobody adds one.
-- Parameters: sha256s (text array).
SELECT wanted.sha256
FROM unnest(CAST(:sha256s AS text[])) AS wanted (sha256)
WHERE NOT EXISTS (SELECT 1 FROM raw_files raw WHERE raw.sha256 = wanted.sha256);
