DELETE FROM raw_files raw USING dropped_files gone WHERE raw.raw_file_id = gone.raw_file_id;
