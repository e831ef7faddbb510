-- The predictions of one material cannot be written: its shard fails whoever does it.
CREATE OR REPLACE FUNCTION bench_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this shard always fails';
END $$;
CREATE OR REPLACE TRIGGER bench_refuse BEFORE INSERT ON predictions
FOR EACH ROW WHEN (NEW.material_id = 'perovskite_pbe:BaTiO3') EXECUTE FUNCTION bench_refuse()
