-- Insert or update the staged answers; returns the materials whose answers were written. An answer that is
-- the same keeps the file that gave it first.
-- Run as catalyst_validator. Parameters: source, raw_sha256.
WITH written AS (
    INSERT INTO reference_values AS known (source, material_id, property, method, value, unit, raw_sha256)
    SELECT :source, material_id, property, method, value, unit, :raw_sha256
    FROM staged_reference_values
    ORDER BY material_id, property, method
    ON CONFLICT (material_id, property, method, source) DO UPDATE
    SET value = excluded.value, unit = excluded.unit, raw_sha256 = excluded.raw_sha256
    WHERE (known.value, known.unit) IS DISTINCT FROM (excluded.value, excluded.unit)
    RETURNING material_id
)
SELECT DISTINCT material_id FROM written;
