-- Notices that hold now, the oldest first.
-- Parameters: campaign (null: of every campaign and of the installation).
SELECT campaign, kind, subject, message, remedy, raised_at
FROM notices
WHERE cleared_at IS NULL AND (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
ORDER BY raised_at, notice_id
