-- A million results at once: what is done for each of them must not grow with how many there are.

-- A material may have thousands of samples: one of them is found without going through the others.
DROP INDEX validation_results_material;
CREATE INDEX validation_results_material ON validation_results (material_id, method, sample, batch, replicate);

CREATE OR REPLACE FUNCTION note_campaign_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'campaigns' THEN
        INSERT INTO campaign_changes (campaign) SELECT name FROM changed;
    WHEN 'active_learning_runs' THEN
        INSERT INTO campaign_changes (campaign) SELECT DISTINCT campaign FROM changed;
    WHEN 'candidates' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT r.campaign FROM active_learning_runs r
        WHERE r.partition_key IN (SELECT partition_key FROM changed) GROUP BY r.campaign;
    WHEN 'validation_results' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT r.campaign FROM active_learning_runs r
        WHERE r.partition_key IN (SELECT partition_key FROM changed)
        UNION
        SELECT name FROM campaigns WHERE EXISTS (SELECT 1 FROM changed WHERE partition_key IS NULL);
    WHEN 'result_examinations' THEN
        INSERT INTO campaign_changes (campaign)
        WITH asked AS MATERIALIZED (
            -- One result at a time by its number: what is planned for a small ledger stays right for a large one.
            SELECT DISTINCT (SELECT v.partition_key FROM validation_results v WHERE v.result_id = changed.result_id)
                AS partition_key
            FROM changed
        )
        SELECT r.campaign FROM active_learning_runs r JOIN asked USING (partition_key)
        UNION
        SELECT name FROM campaigns WHERE EXISTS (SELECT 1 FROM asked WHERE partition_key IS NULL);
    WHEN 'validation_jobs' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT name FROM campaigns WHERE document ->> 'validator' IN (SELECT validator FROM changed);
    END CASE;
    RETURN NULL;
END $$;
