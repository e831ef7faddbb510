-- What candidates are filtered and sorted by, narrow and indexed: among a million a page is found without reading them.

-- Which place in candidate_listing.numbers the predictions of a property have.
CREATE TABLE listed_properties (
    slot     smallint PRIMARY KEY CHECK (slot > 0),
    property text NOT NULL UNIQUE
);

-- A half of the set of elements: bit n is the element of atomic number n + 1 in the first, n + 60 in the second.
CREATE FUNCTION element_bits(p_elements text[], p_half integer) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(bit_or(CAST(1 AS bigint) << ((n - 1) % 59)), 0)
    FROM (
        SELECT array_position(CAST('{H,He,Li,Be,B,C,N,O,F,Ne,Na,Mg,Al,Si,P,S,Cl,Ar,K,Ca,Sc,Ti,V,Cr,Mn,Fe,Co,Ni,Cu,Zn,Ga,Ge,As,'
            'Se,Br,Kr,Rb,Sr,Y,Zr,Nb,Mo,Tc,Ru,Rh,Pd,Ag,Cd,In,Sn,Sb,Te,I,Xe,Cs,Ba,La,Ce,Pr,Nd,Pm,Sm,Eu,Gd,Tb,Dy,Ho,Er,Tm,Yb,'
            'Lu,Hf,Ta,W,Re,Os,Ir,Pt,Au,Hg,Tl,Pb,Bi,Po,At,Rn,Fr,Ra,Ac,Th,Pa,U,Np,Pu,Am,Cm,Bk,Cf,Es,Fm,Md,No,Lr,Rf,Db,Sg,Bh,'
            'Hs,Mt,Ds,Rg,Cn,Nh,Fl,Mc,Lv,Ts,Og}' AS text[]), symbol) AS n
        FROM unnest(p_elements) symbol
    ) numbered
    WHERE n IS NOT NULL AND (n - 1) / 59 = p_half
$$;

-- A row a candidate, kept by triggers in the transaction that changes what it says. Numbers that are sorted by are of one
-- type, so that one query serves every order.
CREATE TABLE candidate_listing (
    -- no foreign key: triggers alone write here, and candidates are kept for ever
    candidate_id   bigint PRIMARY KEY,
    campaign       text NOT NULL,
    iteration      double precision NOT NULL,
    rank           double precision NOT NULL,
    -- newest iteration first, then by rank: what decides between equal ones
    place          double precision NOT NULL GENERATED ALWAYS AS (rank - 4294967296 * iteration) STORED,
    acquisition    double precision NOT NULL,
    feasibility    double precision,
    updated        double precision NOT NULL,
    status         text NOT NULL,
    rejection_kind text,
    formula        text NOT NULL,
    elements       text[] NOT NULL,
    -- elements as sets of bits, up to Pr and from Nd on: compared much faster than lists
    elements_low   bigint NOT NULL GENERATED ALWAYS AS (element_bits(elements, 0)) STORED,
    elements_high  bigint NOT NULL GENERATED ALWAYS AS (element_bits(elements, 1)) STORED,
    numbers       double precision[] NOT NULL
);

CREATE FUNCTION listed_values(p_predicted jsonb) RETURNS double precision[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    listed double precision[] := '{}';
    entry record;
    place smallint;
BEGIN
    FOR entry IN SELECT key, value FROM jsonb_each(p_predicted) LOOP
        SELECT slot INTO place FROM listed_properties WHERE property = entry.key;
        IF NOT FOUND THEN
            LOCK TABLE listed_properties IN SHARE ROW EXCLUSIVE MODE;
            INSERT INTO listed_properties (slot, property)
            SELECT coalesce(max(slot), 0) + 1, entry.key FROM listed_properties
            ON CONFLICT (property) DO NOTHING;
            SELECT slot INTO STRICT place FROM listed_properties WHERE property = entry.key;
        END IF;
        listed[2 * place - 1] := CAST(entry.value ->> 'mean' AS double precision);
        listed[2 * place] := CAST(entry.value ->> 'std' AS double precision);
    END LOOP;
    RETURN listed;
END $$;

CREATE FUNCTION list_candidates() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO candidate_listing (candidate_id, campaign, iteration, rank, acquisition, feasibility, updated, status,
                                       rejection_kind, formula, elements, numbers)
        SELECT k.candidate_id, r.campaign, r.iteration, k.rank, k.acquisition, k.feasibility,
               extract(epoch FROM k.updated_at), k.status, k.rejection_kind, m.reduced_formula, m.elements,
               listed_values(k.predicted)
        FROM changed k
        JOIN active_learning_runs r USING (partition_key)
        JOIN materials m USING (material_id);
        RETURN NULL;
    END IF;
    UPDATE candidate_listing l SET
        rank = k.rank, acquisition = k.acquisition, feasibility = k.feasibility,
        updated = extract(epoch FROM k.updated_at), status = k.status, rejection_kind = k.rejection_kind,
        numbers = listed_values(k.predicted)
    FROM changed k
    WHERE l.candidate_id = k.candidate_id;
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_listed_insert AFTER INSERT ON candidates
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_candidates();
CREATE TRIGGER candidates_listed_update AFTER UPDATE ON candidates
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_candidates();

CREATE FUNCTION list_material() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE candidate_listing SET formula = NEW.reduced_formula, elements = NEW.elements
    FROM candidates k
    WHERE k.material_id = NEW.material_id AND candidate_listing.candidate_id = k.candidate_id;
    RETURN NULL;
END $$;
CREATE TRIGGER materials_listed AFTER UPDATE ON materials FOR EACH ROW
    WHEN ((OLD.reduced_formula, OLD.elements) IS DISTINCT FROM (NEW.reduced_formula, NEW.elements))
    EXECUTE FUNCTION list_material();

INSERT INTO candidate_listing (candidate_id, campaign, iteration, rank, acquisition, feasibility, updated, status,
                               rejection_kind, formula, elements, numbers)
SELECT k.candidate_id, r.campaign, r.iteration, k.rank, k.acquisition, k.feasibility, extract(epoch FROM k.updated_at),
       k.status, k.rejection_kind, m.reduced_formula, m.elements, listed_values(k.predicted)
FROM candidates k
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id);

CREATE INDEX candidate_listing_rank ON candidate_listing (rank, place, candidate_id);
CREATE INDEX candidate_listing_place ON candidate_listing (place, candidate_id);
CREATE INDEX candidate_listing_campaign ON candidate_listing (campaign, rank, place, candidate_id);
CREATE INDEX candidate_listing_iteration ON candidate_listing (campaign, iteration, rank, place, candidate_id);
CREATE INDEX candidate_listing_campaign_status ON candidate_listing (campaign, status, rank, place, candidate_id);
CREATE INDEX candidate_listing_status ON candidate_listing (status, place, candidate_id);
CREATE INDEX candidate_listing_status_down ON candidate_listing (status DESC, place, candidate_id);
CREATE INDEX candidate_listing_updated ON candidate_listing (updated, place, candidate_id);
CREATE INDEX candidate_listing_updated_down ON candidate_listing (updated DESC, place, candidate_id);
CREATE INDEX candidate_listing_acquisition ON candidate_listing (acquisition, place, candidate_id);
CREATE INDEX candidate_listing_feasibility ON candidate_listing (feasibility, place, candidate_id);
CREATE INDEX candidate_listing_formula ON candidate_listing (formula, place, candidate_id);
CREATE INDEX candidate_listing_elements ON candidate_listing USING gin (elements);

-- Of the first eight properties; an installation that predicts more reads the rows of the others.
DO $$
BEGIN
    FOR place IN 1..16 LOOP
        EXECUTE format(
            'CREATE INDEX %I ON candidate_listing ((numbers[%s]), place, candidate_id) WHERE numbers[%s] IS NOT NULL',
            'candidate_listing_value_' || place, place, place);
    END LOOP;
END $$;

GRANT SELECT ON listed_properties, candidate_listing TO catalyst_app;
REVOKE ALL ON FUNCTION element_bits, listed_values, list_candidates, list_material FROM PUBLIC;
GRANT EXECUTE ON FUNCTION element_bits TO catalyst_app;

COMMENT ON TABLE listed_properties IS 'A property that candidates are filtered and sorted by.';
COMMENT ON COLUMN listed_properties.slot IS 'Its place: mean and standard deviation are the elements 2 * slot - 1 and 2 * slot of numbers.';
COMMENT ON COLUMN listed_properties.property IS 'The property.';
COMMENT ON TABLE candidate_listing IS 'What candidates are filtered and sorted by: a narrow copy, kept by triggers.';
COMMENT ON COLUMN candidate_listing.candidate_id IS 'Number of the candidate.';
COMMENT ON COLUMN candidate_listing.campaign IS 'The campaign.';
COMMENT ON COLUMN candidate_listing.iteration IS 'The iteration.';
COMMENT ON COLUMN candidate_listing.rank IS 'Its place, 1 for the one most worth validating.';
COMMENT ON COLUMN candidate_listing.place IS 'Orders by the newest iteration, then by rank.';
COMMENT ON COLUMN candidate_listing.acquisition IS 'Value of the acquisition function, larger for more worth.';
COMMENT ON COLUMN candidate_listing.feasibility IS 'Chance that every criterion holds; none for a campaign with an objective.';
COMMENT ON COLUMN candidate_listing.updated IS 'When it was changed last, in seconds since 1970.';
COMMENT ON COLUMN candidate_listing.status IS 'Ranked, flagged, in validation, validated or rejected.';
COMMENT ON COLUMN candidate_listing.rejection_kind IS 'Why it was rejected, if it was.';
COMMENT ON COLUMN candidate_listing.formula IS 'Its reduced formula.';
COMMENT ON COLUMN candidate_listing.elements IS 'Its elements, by symbol.';
COMMENT ON COLUMN candidate_listing.elements_low IS 'Its elements up to Pr, a bit each.';
COMMENT ON COLUMN candidate_listing.elements_high IS 'Its elements from Nd on, a bit each.';
COMMENT ON COLUMN candidate_listing.numbers IS 'Predicted means and standard deviations, as listed_properties numbers them.';
