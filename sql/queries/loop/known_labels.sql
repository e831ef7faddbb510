-- Every value known when an iteration opened: computed by the campaign's method, or validated. Validation wins over
-- computation; of several results their mean counts (campaign_truths).
-- Values of a candidate that was rejected as one of :kinds_without_labels are none. Where :features_only, a structure that
-- waits for features of :feature_set has none yet: its values belong to a later iteration. A material that :relaxed_by has
-- not relaxed has no structure in such a campaign.
WITH computed AS (
    SELECT m.material_id, p.key AS property, CAST(entry ->> 'value' AS double precision) AS value,
           'computed' AS origin, CAST(NULL AS double precision) AS standard_deviation,
           CAST('{}' AS bigint[]) AS result_ids,
           -- Of several sources the one that names the material speaks first.
           nullif(entry ->> 'source', split_part(m.material_id, ':', 1)) AS source
    FROM materials m
    CROSS JOIN LATERAL jsonb_each(m.properties) AS p (key, entries)
    CROSS JOIN LATERAL jsonb_array_elements(p.entries) AS entry
    WHERE NOT m.deprecated AND p.key = ANY (CAST(:properties AS text[])) AND entry ->> 'method' = :method
),
validated AS (
    SELECT t.material_id, t.property, t.value, 'validated' AS origin, t.standard_deviation, t.result_ids, NULL AS source
    FROM campaign_truths(:campaign) t
    WHERE t.property = ANY (CAST(:properties AS text[]))
      AND NOT EXISTS (
          SELECT 1
          FROM validation_results v
          JOIN candidates c ON c.partition_key = v.partition_key AND c.material_id = v.material_id
          WHERE v.result_id = ANY (t.result_ids)
            AND c.rejection_kind = ANY (CAST(:kinds_without_labels AS rejection_kind[])))
),
known AS (SELECT * FROM computed UNION ALL SELECT * FROM validated),
held AS (
    SELECT m.material_id, m.structure_hash, used.structure_hash AS used_hash
    FROM campaign_test_set t
    JOIN materials m USING (material_id)
    LEFT JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
    WHERE t.campaign = :campaign
)
SELECT DISTINCT ON (k.material_id, k.property)
       k.material_id, k.property, k.value, k.origin, k.standard_deviation, k.result_ids
FROM known k
JOIN materials known_material ON known_material.material_id = k.material_id
JOIN material_structures(CAST(:relaxed_by AS text)) used ON used.material_id = k.material_id
-- The same structure under another source's name would tell the answer too, also one that is relaxed to the same.
WHERE k.material_id NOT IN (SELECT material_id FROM held)
AND known_material.structure_hash NOT IN (SELECT structure_hash FROM held)
AND used.structure_hash NOT IN (SELECT used_hash FROM held WHERE used_hash IS NOT NULL)
AND (NOT :features_only
     OR EXISTS (
         SELECT 1 FROM structure_features f
         WHERE f.feature_set = CAST(:feature_set AS integer) AND f.structure_hash = used.structure_hash)
     OR EXISTS (
         SELECT 1 FROM quarantine q
         WHERE q.source = :quarantine_source AND q.raw_sha256 = :fingerprint
           AND q.record = used.structure_hash))
ORDER BY k.material_id, k.property, k.origin DESC, k.source COLLATE "C" NULLS FIRST
