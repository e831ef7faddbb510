-- How many sites each structure has.
SELECT structure_hash, max(n_sites) AS n_sites
FROM described_structures
WHERE structure_hash = ANY (CAST(:structure_hashes AS text[]))
GROUP BY structure_hash
