-- Once while it stands, whoever raises it; what it says may change.
-- Parameters: campaign (null for the installation), kind, subject, message, remedy.
INSERT INTO notices AS known (campaign, kind, subject, message, remedy)
VALUES (:campaign, :kind, :subject, :message, :remedy)
ON CONFLICT (coalesce(campaign, ''), kind, subject) WHERE cleared_at IS NULL DO UPDATE
SET message = excluded.message, remedy = excluded.remedy
WHERE (known.message, known.remedy) <> (excluded.message, excluded.remedy)
RETURNING xmax = 0 AS is_new
