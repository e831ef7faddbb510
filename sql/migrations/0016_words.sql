-- What a row and a column of the tables is that assets write: psql shows it (\d+), Dagster's column schemas repeat it.

COMMENT ON TABLE raw_files IS 'A file as a source gave it, before anything is parsed.';
COMMENT ON COLUMN raw_files.raw_file_id IS 'Number of the file.';
COMMENT ON COLUMN raw_files.source IS 'Name of the source that gave it.';
COMMENT ON COLUMN raw_files.url IS 'Where it was fetched.';
COMMENT ON COLUMN raw_files.request IS 'What was asked, and which parser reads the answer.';
COMMENT ON COLUMN raw_files.sha256 IS 'Hash of its bytes, by which the raw cache keeps them.';
COMMENT ON COLUMN raw_files.size_bytes IS 'Its size in bytes.';
COMMENT ON COLUMN raw_files.licence IS 'What its data may be used under.';
COMMENT ON COLUMN raw_files.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw_files.parse_status IS 'Whether it waits to be parsed, was parsed, or cannot be.';
COMMENT ON COLUMN raw_files.parse_note IS 'Why it cannot be parsed.';
COMMENT ON COLUMN raw_files.row_count IS 'Its rows: each gives a record or a rejection.';

COMMENT ON TABLE materials IS 'A record of a crystal: its structure and the values that its source gives.';
COMMENT ON COLUMN materials.material_id IS 'Name: the source, a colon, the name there.';
COMMENT ON COLUMN materials.reduced_formula IS 'Formula with the smallest whole numbers.';
COMMENT ON COLUMN materials.chemical_system IS 'Its elements, in alphabetical order, joined by hyphens.';
COMMENT ON COLUMN materials.elements IS 'Its elements.';
COMMENT ON COLUMN materials.n_sites IS 'Sites in the cell.';
COMMENT ON COLUMN materials.structure_json IS 'Cell in Å, species and fractional coordinates.';
COMMENT ON COLUMN materials.structure_hash IS 'Hash of the structure, the same for the same crystal as written.';
COMMENT ON COLUMN materials.properties IS 'Values by property: each with its unit, method and source.';
COMMENT ON COLUMN materials.deprecated IS 'Whether its source does not have it any more.';
COMMENT ON COLUMN materials.same_as IS 'The record that stands for this crystal, if another one does.';
COMMENT ON COLUMN materials.own_md5 IS 'Hash of what its sources say of it, by which a change is noticed.';
COMMENT ON COLUMN materials.created_at IS 'When it was first loaded.';
COMMENT ON COLUMN materials.updated_at IS 'When it was changed last.';

COMMENT ON TABLE computed_hulls IS 'A convex hull of formation energies: one source, method and chemical system.';

COMMENT ON COLUMN computed_hulls.source IS 'The source whose formation energies it is made of.';
COMMENT ON COLUMN computed_hulls.method IS 'How these were computed.';
COMMENT ON COLUMN computed_hulls.chemical_system IS 'Its elements, in alphabetical order, joined by hyphens.';
COMMENT ON COLUMN computed_hulls.sha256 IS 'Hash of the formation energies it was computed from.';

COMMENT ON TABLE adsorption_energies IS 'An adsorption energy of H, O or OH on a slab, as published.';

COMMENT ON TABLE iteration_labels IS 'A value that was known when an iteration opened.';
COMMENT ON COLUMN iteration_labels.partition_key IS 'The iteration: campaign, two underscores, number.';
COMMENT ON COLUMN iteration_labels.material_id IS 'The material.';
COMMENT ON COLUMN iteration_labels.property IS 'The property, in its unit.';
COMMENT ON COLUMN iteration_labels.method IS 'How the value was obtained: the method of the campaign.';
COMMENT ON COLUMN iteration_labels.value IS 'The value, in the unit of the property.';
COMMENT ON COLUMN iteration_labels.origin IS 'Whether a source computed it or this campaign validated it.';

COMMENT ON TABLE registered_models IS 'A trained model that is a version of the registry.';

COMMENT ON TABLE predictions IS 'What one version of the predictions says of one material of the pool.';
COMMENT ON COLUMN predictions.version IS 'The version: a model over a pool.';
COMMENT ON COLUMN predictions.material_id IS 'The material.';
COMMENT ON COLUMN predictions.mean IS 'Mean by property, in the order of the version''s properties, each in its unit.';
COMMENT ON COLUMN predictions.std IS 'Standard deviation by property, in the same order and units.';
COMMENT ON COLUMN predictions.draws IS 'Joint samples: little-endian float32, (draws, properties), row by row.';
COMMENT ON COLUMN predictions.distance IS 'Distance to the nearest material that the model was trained on.';

COMMENT ON TABLE candidates IS 'A material that an iteration ranks as worth validating, and what became of it.';
COMMENT ON COLUMN candidates.candidate_id IS 'Number of the candidate.';
COMMENT ON COLUMN candidates.partition_key IS 'The iteration: campaign, two underscores, number.';
COMMENT ON COLUMN candidates.material_id IS 'The material.';
COMMENT ON COLUMN candidates.rank IS 'Its place, 1 for the one most worth validating.';
COMMENT ON COLUMN candidates.acquisition IS 'Value of the acquisition function, larger for more worth.';
COMMENT ON COLUMN candidates.feasibility IS 'Chance that every criterion holds; none for a campaign with an objective.';
COMMENT ON COLUMN candidates.predicted IS 'Mean and standard deviation by property, with units.';
COMMENT ON COLUMN candidates.status IS 'Ranked, flagged, in validation, validated or rejected.';
COMMENT ON COLUMN candidates.rejection_kind IS 'Why it was rejected, if it was.';
COMMENT ON COLUMN candidates.nearest IS 'The labelled materials that are nearest to it in features.';
COMMENT ON COLUMN candidates.updated_at IS 'When it was changed last.';

COMMENT ON TABLE validation_results IS 'What a validator answered of one property of one candidate.';
COMMENT ON COLUMN validation_results.result_id IS 'Number of the result; the later one of two speaks.';
COMMENT ON COLUMN validation_results.partition_key IS 'The iteration: campaign, two underscores, number.';
COMMENT ON COLUMN validation_results.material_id IS 'The material.';
COMMENT ON COLUMN validation_results.property IS 'The property that was asked for.';
COMMENT ON COLUMN validation_results.method IS 'How the value was obtained.';
COMMENT ON COLUMN validation_results.outcome IS 'Whether it was measured or the validation failed.';
COMMENT ON COLUMN validation_results.value IS 'The value, in its unit; none if the validation failed.';
COMMENT ON COLUMN validation_results.unit IS 'Unit of the value.';
COMMENT ON COLUMN validation_results.note IS 'What the validator said beside it.';
COMMENT ON COLUMN validation_results.validator IS 'Who answered.';
COMMENT ON COLUMN validation_results.created_at IS 'When it was answered.';
