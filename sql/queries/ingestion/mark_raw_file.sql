-- Parameters: raw_file_id, status, note.
UPDATE raw_files SET parse_status = :status, parse_note = :note WHERE raw_file_id = :raw_file_id;
