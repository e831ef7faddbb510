"""The jobs that the loop and people request by name."""

import dagster as dg

from catalyst_assets.ingestion.sources.jobs import MADE
from catalyst_assets.loop.decide import ITERATION_JOB, VALIDATION_JOB

PREPARATION_JOB = "preparation"

preparation_job = dg.define_asset_job(
    PREPARATION_JOB,
    selection=dg.AssetSelection.assets("raw_reference_tables", *MADE, "backbone", "structure_embeddings"),
    description="Load what the sources hold and compute the features of new structures.",
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
