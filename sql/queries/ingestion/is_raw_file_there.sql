-- Parameters: raw_file_id.
SELECT 1 AS there FROM raw_files WHERE raw_file_id = :raw_file_id FOR KEY SHARE;
