-- What changed after a number, in the order of commits.
-- :after, :limit
SELECT change_id, at, kind, campaign, data FROM changes WHERE change_id > :after ORDER BY change_id LIMIT :limit;
