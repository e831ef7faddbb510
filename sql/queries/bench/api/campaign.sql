-- A campaign that nothing runs.
-- :name, :document, :sha256
INSERT INTO campaigns (name, document, sha256, status) VALUES (:name, CAST(:document AS jsonb), :sha256, 'paused')
