-- A validator's answers of the dropped records.
DELETE FROM reference_values answer
USING dropped_records gone
WHERE answer.material_id = gone.material_id AND answer.source = gone.source;
