-- How many sites each structure has; none where only the composition is known.
SELECT structure_hash, coalesce(max(n_sites), 0) AS n_sites
FROM described_structures
WHERE structure_hash = ANY (CAST(:structure_hashes AS text[]))
GROUP BY structure_hash
