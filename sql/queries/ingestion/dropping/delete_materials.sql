-- Forget the records that nobody has used.
DELETE FROM materials known
USING dropped_records gone
WHERE known.material_id = gone.material_id AND NOT gone.is_used;
