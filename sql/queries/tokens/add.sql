-- Parameters: name, sha256, may (text array), expires_at (null for never).
INSERT INTO api_tokens (name, sha256, may, expires_at)
VALUES (:name, :sha256, CAST(:may AS text[]), CAST(:expires_at AS timestamptz))
