-- One decision about a campaign at a time, whoever asks: daemon, demo or both.
SELECT name, document, sha256, status, stop_reason, retry_requested_at, advance_requested_at, tried_under
FROM campaigns WHERE name = :name FOR UPDATE
