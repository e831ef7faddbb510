-- Parameters: quarantine_source, method, structure_hashes (text array).
DELETE FROM quarantine
WHERE source = :quarantine_source AND raw_sha256 = :method AND record = ANY (CAST(:structure_hashes AS text[]));
