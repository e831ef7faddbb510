-- What a campaign would learn of some materials now: the means of what was measured of them.
-- Parameters: campaign, material_ids (text array).
SELECT material_id, property, value, standard_deviation, n_results
FROM campaign_truths(:campaign) WHERE material_id = ANY (CAST(:material_ids AS text[]))
