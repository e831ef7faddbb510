-- The dropped records that a campaign has used.
SELECT material_id FROM dropped_records WHERE is_used ORDER BY material_id COLLATE "C";
