-- Store a campaign's goal; a campaign that is going on keeps its status.
INSERT INTO campaigns (name, document, sha256)
VALUES (:name, CAST(:document AS jsonb), :sha256)
ON CONFLICT (name) DO UPDATE SET document = excluded.document, sha256 = excluded.sha256
WHERE campaigns.sha256 <> excluded.sha256
