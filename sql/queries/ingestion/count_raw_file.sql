-- Remember how many rows a file has.
-- Parameters: raw_file_id, row_count.
UPDATE raw_files SET row_count = :row_count WHERE raw_file_id = :raw_file_id;
