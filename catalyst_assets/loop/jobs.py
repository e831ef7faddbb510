"""The jobs that the loop and people request by name."""

import dagster as dg

from catalyst_assets.ingestion.sources.jobs import MADE
from catalyst_assets.loop.state import FEATURES_JOB, ITERATION_JOB, VALIDATION_JOB

PREPARATION_JOB = "preparation"
FEATURES_SENSOR = "features_follow_materials"
# What follows from loaded materials without being asked for; the sensor has it made.
FOLLOWERS = (
    "material_identity",
    "adsorption_labels",
    "energies_above_hull",
    "backbone",
    "structure_embeddings",
)
# Besides those, where a potential is chosen and installed.
BY_POTENTIAL = ("relaxed_structures", "potential_energies")

preparation_job = dg.define_asset_job(
    PREPARATION_JOB,
    selection=dg.AssetSelection.assets("raw_reference_tables", *MADE, "backbone", "structure_embeddings"),
    description="Load what the sources hold and compute the features of new structures.",
)

features_job = dg.define_asset_job(
    FEATURES_JOB,
    selection=dg.AssetSelection.assets(*FOLLOWERS),
    description="Compute what follows from the materials that are loaded, features of new structures last.",
)

iteration_job = dg.define_asset_job(
    ITERATION_JOB,
    selection=dg.AssetSelection.assets("training_set", "trained_model", "predictions", "ranked_candidates"),
    description="One iteration up to its ranked candidates.",
)

validation_job = dg.define_asset_job(
    VALIDATION_JOB,
    selection=dg.AssetSelection.assets("validation_results"),
    description="Ask the validator about the candidates of one iteration that await an answer.",
)
