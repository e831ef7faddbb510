SELECT record FROM quarantine WHERE source = :source AND raw_sha256 = :raw_sha256 ORDER BY record
