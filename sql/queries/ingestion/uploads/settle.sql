-- Note that uploads are taken whose files were read, now that records were compared.
UPDATE uploads u
SET taken_at = now()
WHERE u.taken_at IS NULL
  AND EXISTS (
      SELECT FROM raw_files r
      WHERE r.source = 'uploads' AND r.url = 'uploads:' || u.upload_id AND r.sha256 = u.sha256
        AND r.parse_status <> 'pending');
