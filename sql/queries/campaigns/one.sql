SELECT name, document, sha256, status, stop_reason, created_at, finished_at FROM campaigns WHERE name = :name
