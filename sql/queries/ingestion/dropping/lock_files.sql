-- Until the end of the transaction nobody adds a raw file.
LOCK TABLE raw_files IN SHARE ROW EXCLUSIVE MODE;
