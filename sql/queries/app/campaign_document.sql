-- The goal of a campaign; no row when none of that name has run.
-- :name
SELECT document FROM campaigns WHERE name = :name;
