-- Every distinct structure in use.
SELECT DISTINCT structure_hash FROM materials WHERE NOT deprecated ORDER BY structure_hash
