"""The jobs that refresh a source and load what is new, one a source, and the one that loads again from the cache."""

from typing import TYPE_CHECKING, Final

import dagster as dg

from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

REPARSE_JOB: Final = "reparse"
# What is made of the sources' files: the records, and what is derived of them.
MADE: Final = ("materials", "material_identity", "adsorption_labels", "energies_above_hull")


def make_job(spec: SourceSpec) -> "UnresolvedAssetJobDefinition":
    """Return the job that refreshes and loads a source."""
    return dg.define_asset_job(
        spec.job,
        selection=dg.AssetSelection.assets(spec.asset, *MADE),
        description=f"Refresh {spec.name} and load what is new.",
    )


INGESTION_JOBS = [
    *map(make_job, SOURCES),
    dg.define_asset_job(
        REPARSE_JOB,
        selection=dg.AssetSelection.assets(*MADE),
        description="Load raw files that are cached; asks no source.",
    ),
]
