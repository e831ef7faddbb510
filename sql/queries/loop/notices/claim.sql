-- One to be posted: whoever claims it posts it. What could not be posted for a day is not posted any more.
UPDATE notices SET posted_at = now()
WHERE notice_id = (
    SELECT notice_id FROM notices
    WHERE posted_at IS NULL AND raised_at > now() - interval '1 day'
    ORDER BY notice_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING notice_id, campaign, kind, subject, message, remedy, raised_at
