SELECT candidate_id, material_id, rank, acquisition, feasibility, predicted, status
FROM candidates WHERE partition_key = :partition_key ORDER BY rank
