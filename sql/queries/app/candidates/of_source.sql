-- Candidates whose material a source gave, up to :limit of them.
-- :source, :limit
SELECT c.candidate_id
FROM material_sources s JOIN candidates c USING (material_id)
WHERE s.source = :source
LIMIT :limit
