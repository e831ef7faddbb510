-- Likewise of the materials themselves.
UPDATE materials other
SET same_as = NULL, deprecated = false, updated_at = now()
FROM dropped_records gone
WHERE other.same_as = gone.material_id AND NOT gone.is_used;
