-- The files that are dropped.
SELECT raw_file_id, source, sha256 FROM dropped_files ORDER BY raw_file_id;
