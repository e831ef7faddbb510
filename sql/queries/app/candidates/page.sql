-- The keys of one page of candidates. Filters, null to leave out:
-- :campaign, :iteration, :statuses, :rejection_kinds, :formula, :updated_since (seconds)
-- :elements, :excluded, :only      arrays of symbols: all of them, none of them, no others
-- :rank_min, :rank_max, :acquisition_min … :feasibility_max
-- :slot_1, :min_1, :max_1 … _6     ranges of elements of candidate_listing.numbers
-- :source                         its material is one that this source gave
-- :among, :without                 arrays of candidates: only these, none of these
-- :unjudged                        kinds of rejections that are left out
-- Order: :sort (rank, iteration, place, acquisition, feasibility, updated_at, value of :slot, validated as :measured says by
-- candidate, formula, status, or none), :descending; then the newest iteration first, then by rank.
-- :known     true for those that have what is sorted by, false for the others
-- :continued, :after_number, :after_word, :after_place, :after_id   the last one of the page before
-- :limit, :offset
-- :ordered   whether those of the page are looked up in an index, which is in order; else all that pass are sorted, if they are
-- :few       or fewer, and counted
WITH listed AS NOT MATERIALIZED (
    SELECT k.candidate_id, k.place,
        CASE :sort
            WHEN 'rank' THEN k.rank
            WHEN 'iteration' THEN k.iteration
            WHEN 'place' THEN k.place
            WHEN 'acquisition' THEN k.acquisition
            WHEN 'feasibility' THEN k.feasibility
            WHEN 'updated_at' THEN k.updated
            WHEN 'value' THEN k.numbers[:slot]
            WHEN 'validated'
            THEN CAST(CAST(:measured AS jsonb) ->> CAST(k.candidate_id AS text) AS double precision)
        END AS number,
        CASE :sort WHEN 'formula' THEN k.formula WHEN 'status' THEN k.status END AS word
    FROM candidate_listing k
    WHERE (CAST(:campaign AS text) IS NULL OR k.campaign = :campaign)
      AND (CAST(:iteration AS double precision) IS NULL OR k.iteration = CAST(:iteration AS double precision))
      AND (CAST(:statuses AS text[]) IS NULL OR k.status = ANY (CAST(:statuses AS text[])))
      AND (CAST(:rejection_kinds AS text[]) IS NULL OR k.rejection_kind = ANY (CAST(:rejection_kinds AS text[])))
      AND (CAST(:formula AS text) IS NULL OR k.formula = :formula)
      AND (CAST(:updated_since AS double precision) IS NULL OR k.updated >= CAST(:updated_since AS double precision))
      AND (CAST(:elements AS text[]) IS NULL OR k.elements @> CAST(:elements AS text[]))
      -- Sets of bits are not negative: below 1 is 0, of which the planner expects more than of one value among many.
      AND (CAST(:excluded AS text[]) IS NULL
           OR (element_bits(CAST(:excluded AS text[]), 0) = 0 OR k.elements_low & element_bits(CAST(:excluded AS text[]), 0) < 1)
          AND (element_bits(CAST(:excluded AS text[]), 1) = 0 OR k.elements_high & element_bits(CAST(:excluded AS text[]), 1) < 1))
      AND (CAST(:only AS text[]) IS NULL
           OR k.elements_low & ~ element_bits(CAST(:only AS text[]), 0) < 1
          AND k.elements_high & ~ element_bits(CAST(:only AS text[]), 1) < 1)
      AND (CAST(:unjudged AS text[]) IS NULL OR k.rejection_kind IS NULL
           OR NOT k.rejection_kind = ANY (CAST(:unjudged AS text[])))
      AND (CAST(:rank_min AS double precision) IS NULL OR k.rank >= CAST(:rank_min AS double precision))
      AND (CAST(:rank_max AS double precision) IS NULL OR k.rank <= CAST(:rank_max AS double precision))
      AND (CAST(:acquisition_min AS double precision) IS NULL OR k.acquisition >= CAST(:acquisition_min AS double precision))
      AND (CAST(:acquisition_max AS double precision) IS NULL OR k.acquisition <= CAST(:acquisition_max AS double precision))
      AND (CAST(:feasibility_min AS double precision) IS NULL OR k.feasibility >= CAST(:feasibility_min AS double precision))
      AND (CAST(:feasibility_max AS double precision) IS NULL OR k.feasibility <= CAST(:feasibility_max AS double precision))
      AND (CAST(:min_1 AS double precision) IS NULL OR k.numbers[:slot_1] >= CAST(:min_1 AS double precision))
      AND (CAST(:max_1 AS double precision) IS NULL OR k.numbers[:slot_1] <= CAST(:max_1 AS double precision))
      AND (CAST(:min_2 AS double precision) IS NULL OR k.numbers[:slot_2] >= CAST(:min_2 AS double precision))
      AND (CAST(:max_2 AS double precision) IS NULL OR k.numbers[:slot_2] <= CAST(:max_2 AS double precision))
      AND (CAST(:min_3 AS double precision) IS NULL OR k.numbers[:slot_3] >= CAST(:min_3 AS double precision))
      AND (CAST(:max_3 AS double precision) IS NULL OR k.numbers[:slot_3] <= CAST(:max_3 AS double precision))
      AND (CAST(:min_4 AS double precision) IS NULL OR k.numbers[:slot_4] >= CAST(:min_4 AS double precision))
      AND (CAST(:max_4 AS double precision) IS NULL OR k.numbers[:slot_4] <= CAST(:max_4 AS double precision))
      AND (CAST(:min_5 AS double precision) IS NULL OR k.numbers[:slot_5] >= CAST(:min_5 AS double precision))
      AND (CAST(:max_5 AS double precision) IS NULL OR k.numbers[:slot_5] <= CAST(:max_5 AS double precision))
      AND (CAST(:min_6 AS double precision) IS NULL OR k.numbers[:slot_6] >= CAST(:min_6 AS double precision))
      AND (CAST(:max_6 AS double precision) IS NULL OR k.numbers[:slot_6] <= CAST(:max_6 AS double precision))
      AND (CAST(:source AS text) IS NULL OR EXISTS (
            SELECT FROM candidates c JOIN material_sources s USING (material_id)
            WHERE c.candidate_id = k.candidate_id AND s.source = :source))
      AND (CAST(:among AS bigint[]) IS NULL OR k.candidate_id = ANY (CAST(:among AS bigint[])))
      AND (CAST(:without AS bigint[]) IS NULL OR NOT k.candidate_id = ANY (CAST(:without AS bigint[])))
),
counted AS MATERIALIZED (
    SELECT candidate_id, place, number, word FROM listed WHERE NOT CAST(:ordered AS boolean) LIMIT :few + 1
),
n AS MATERIALIZED (
    SELECT count(*) AS total FROM counted
),
page AS (
    SELECT * FROM (
        (
            -- Few pass: they are sorted. An index that is in order would be read to its end for them.
            SELECT * FROM counted
            WHERE (SELECT total FROM n) <= :few
              AND (number IS NOT NULL OR word IS NOT NULL) = CAST(:known AS boolean)
              AND (NOT CAST(:continued AS boolean)
                   OR (CASE WHEN CAST(:after_word AS text) IS NOT NULL THEN word = CAST(:after_word AS text)
                            WHEN CAST(:after_number AS double precision) IS NOT NULL
                            THEN number = CAST(:after_number AS double precision)
                            ELSE true END
                       AND (place, candidate_id) > (CAST(:after_place AS double precision), CAST(:after_id AS bigint)))
                   OR CASE WHEN CAST(:descending AS boolean) THEN number < CAST(:after_number AS double precision)
                           ELSE number > CAST(:after_number AS double precision) END
                   OR CASE WHEN CAST(:descending AS boolean) THEN word < CAST(:after_word AS text)
                           ELSE word > CAST(:after_word AS text) END)
            ORDER BY
                CASE WHEN NOT CAST(:descending AS boolean) THEN number END,
                CASE WHEN CAST(:descending AS boolean) THEN number END DESC,
                CASE WHEN NOT CAST(:descending AS boolean) THEN word END,
                CASE WHEN CAST(:descending AS boolean) THEN word END DESC,
                place, candidate_id
            LIMIT :limit OFFSET :offset
        )
        UNION ALL
        (
            -- Many pass: those that are as large as the last one of the page before, and behind it,
            SELECT * FROM listed
            WHERE CAST(:ordered AS boolean)
              AND CAST(:continued AS boolean)
              AND (CAST(:after_number AS double precision) IS NULL OR number = CAST(:after_number AS double precision))
              AND (CAST(:after_word AS text) IS NULL OR word = :after_word)
              AND (CAST(:known AS boolean) OR (number IS NULL AND word IS NULL))
              AND (place, candidate_id) > (CAST(:after_place AS double precision), CAST(:after_id AS bigint))
            ORDER BY place, candidate_id
            LIMIT :limit
        )
        UNION ALL
        (
            -- then those that follow in the order.
            SELECT * FROM listed
            WHERE CAST(:ordered AS boolean)
              AND (CAST(:known AS boolean) OR NOT CAST(:continued AS boolean))
              AND (NOT CAST(:continued AS boolean)
                   OR CASE WHEN CAST(:descending AS boolean) THEN number < CAST(:after_number AS double precision)
                           ELSE number > CAST(:after_number AS double precision) END
                   OR CASE WHEN CAST(:descending AS boolean) THEN word < CAST(:after_word AS text)
                           ELSE word > CAST(:after_word AS text) END)
              AND (number IS NOT NULL OR word IS NOT NULL) = CAST(:known AS boolean)
            ORDER BY
                CASE WHEN NOT CAST(:descending AS boolean) THEN number END,
                CASE WHEN CAST(:descending AS boolean) THEN number END DESC,
                CASE WHEN NOT CAST(:descending AS boolean) THEN word END,
                CASE WHEN CAST(:descending AS boolean) THEN word END DESC,
                place, candidate_id
            LIMIT :limit OFFSET :offset
        )
    ) found
    ORDER BY
        CASE WHEN NOT CAST(:descending AS boolean) THEN number END,
        CASE WHEN CAST(:descending AS boolean) THEN number END DESC,
        CASE WHEN NOT CAST(:descending AS boolean) THEN word END,
        CASE WHEN CAST(:descending AS boolean) THEN word END DESC,
        place, candidate_id
    LIMIT :limit
)
SELECT page.*, n.total
FROM n LEFT JOIN page ON true
ORDER BY
    CASE WHEN NOT CAST(:descending AS boolean) THEN number END,
    CASE WHEN CAST(:descending AS boolean) THEN number END DESC,
    CASE WHEN NOT CAST(:descending AS boolean) THEN word END,
    CASE WHEN CAST(:descending AS boolean) THEN word END DESC,
    place, candidate_id
