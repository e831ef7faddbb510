-- Lock candidates for this transaction; refuse where one is not at the version that was seen.
-- :candidate_ids, :versions  as many; a version is null where any will do
SELECT hold_candidates(CAST(:candidate_ids AS bigint[]), CAST(:versions AS integer[]));
