-- Who submitted the same bytes before, and when: the first time.
-- Parameters: sha256.
SELECT submitted_by, submitted_at FROM result_submissions WHERE sha256 = :sha256 ORDER BY submission_id LIMIT 1
