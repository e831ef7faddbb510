-- Made-up cubic perovskites of thirty metals on either site, with the whole structure of each.
-- :first, :last   their numbers
-- :structure      a structure as pymatgen writes it, with @A, @B, @X for elements and @L for the lattice constant
WITH numbered AS (
    SELECT n, metals[1 + n % 40] AS a, metals[1 + (n / 40 + n) % 40] AS b, anions[1 + n / 1600 % 12] AS x,
           3.6 + (n % 997) / 1000.0 AS l
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n,
    (SELECT string_to_array('Ag Al As Au B Ba Be Bi Ca Cd Ce Co Cr Cs Cu Fe Ga Ge Hf Hg In Ir K La Li Mg Mn Mo Na Nb '
                            'Ni Pb Pd Sc Sn Sr Ti V Y Zr', ' ') AS metals,
            string_to_array('O O O O O O N N F S Cl Br', ' ') AS anions) lists
)
INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, n_sites, structure_json, structure_hash,
                       properties)
SELECT 'bench:' || lpad(CAST(n AS text), 8, '0'),
       CASE WHEN a = b THEN a || '2' ELSE a || b END || x || '3',
       array_to_string(named.elements, '-'), named.elements, 5,
       CAST(replace(replace(replace(replace(:structure, '@A', a), '@B', b), '@X', x), '@L', CAST(l AS text)) AS jsonb),
       md5(CAST(n AS text)) || md5('x' || n),
       jsonb_build_object('band_gap_direct', jsonb_build_array(jsonb_build_object(
           'value', 1.1, 'unit', 'eV', 'method', 'GLLB-SC', 'source', 'bench')))
FROM numbered, LATERAL (SELECT array_agg(DISTINCT e ORDER BY e) AS elements FROM unnest(ARRAY[a, b, x]) e) named
