-- What no longer holds.
-- Parameters: campaign (null for the installation), held (array of kind, a blank and subject).
UPDATE notices SET cleared_at = now()
WHERE cleared_at IS NULL AND campaign IS NOT DISTINCT FROM CAST(:campaign AS text)
  AND kind || ' ' || subject <> ALL (CAST(:held AS text[]))
