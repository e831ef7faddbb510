-- Parameters: structure_hashes (text array).
DELETE FROM structure_vectors WHERE structure_hash = ANY (CAST(:structure_hashes AS text[]));
