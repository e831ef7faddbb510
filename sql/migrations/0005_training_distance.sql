-- How far each predicted material is from what its model was fitted to.

-- In units of what an unseen chemical system typically has; null where it was not measured.
ALTER TABLE predictions ADD COLUMN distance double precision CHECK (distance >= 0 AND distance < 'Infinity');
-- Materials further away than this are out of distribution.
ALTER TABLE prediction_versions
    ADD COLUMN distance_threshold double precision CHECK (distance_threshold >= 0 AND distance_threshold < 'Infinity');

DROP FUNCTION open_prediction_version(text, text, text, text[], integer);

-- Start or restart a version: the same model over the same pool is the same version.
-- A promoted version is complete, so its rows stay and the caller has nothing to write.
CREATE FUNCTION open_prediction_version(
    p_partition_key text, p_model_sha256 text, p_pool_sha256 text, p_properties text[], p_n_draws integer,
    p_distance_threshold double precision DEFAULT NULL
) RETURNS TABLE (version bigint, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    opened prediction_versions%ROWTYPE;
    child text;
BEGIN
    INSERT INTO prediction_versions AS v (partition_key, model_sha256, pool_sha256, properties, n_draws, distance_threshold)
    VALUES (p_partition_key, p_model_sha256, p_pool_sha256, p_properties, p_n_draws, p_distance_threshold)
    ON CONFLICT ON CONSTRAINT prediction_version_key DO UPDATE
    SET distance_threshold = excluded.distance_threshold WHERE v.status = 'staging';
    SELECT * INTO STRICT opened FROM prediction_versions v
    WHERE v.partition_key = p_partition_key AND v.model_sha256 = p_model_sha256
      AND v.pool_sha256 = p_pool_sha256
    FOR UPDATE;
    child := format('predictions_%s', opened.version);
    IF to_regclass(child) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE predictions INCLUDING ALL)', child);
        -- Attaching locks out other attachers only; CREATE … PARTITION OF would block readers.
        EXECUTE format('ALTER TABLE predictions ATTACH PARTITION %I FOR VALUES IN (%s)', child, opened.version);
    END IF;
    RETURN QUERY SELECT opened.version, opened.status;
END $$;

REVOKE ALL ON FUNCTION open_prediction_version FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_prediction_version TO catalyst_pipeline;
