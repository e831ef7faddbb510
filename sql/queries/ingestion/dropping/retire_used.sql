-- Retire what a campaign has used: its labels, predictions and candidates stay true of it.
UPDATE materials known
SET deprecated = true, same_as = NULL, updated_at = now()
FROM dropped_records gone
WHERE known.material_id = gone.material_id AND gone.is_used
  AND (NOT known.deprecated OR known.same_as IS NOT NULL);
