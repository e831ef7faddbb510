-- Every distinct structure in use.
SELECT DISTINCT structure_hash FROM described_structures WHERE in_use ORDER BY structure_hash
