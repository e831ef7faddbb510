INSERT INTO result_submissions (sha256, name, channel, submitted_by, n_rows)
VALUES (:sha256, :name, :channel, :submitted_by, :n_rows)
RETURNING submission_id
