-- A suggestion joins the shortlist, or takes another place in it; its status stays.
INSERT INTO candidates AS known (partition_key, material_id, rank, acquisition, feasibility, predicted, nearest)
VALUES (:partition_key, :material_id, :rank, :acquisition, :feasibility, CAST(:predicted AS jsonb),
        CAST(:nearest AS jsonb))
ON CONFLICT (partition_key, material_id) DO UPDATE
SET rank = excluded.rank, acquisition = excluded.acquisition, feasibility = excluded.feasibility,
    predicted = excluded.predicted, nearest = excluded.nearest, updated_at = now()
