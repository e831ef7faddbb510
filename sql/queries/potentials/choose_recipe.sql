-- Parameters: method, sha256, document (JSON).
INSERT INTO relaxation_recipes AS known (method, sha256, document)
VALUES (:method, :sha256, CAST(:document AS jsonb))
ON CONFLICT (method) DO UPDATE SET
    sha256 = excluded.sha256, document = excluded.document, chosen_at = now(), energies_at = NULL
WHERE known.sha256 <> excluded.sha256;
