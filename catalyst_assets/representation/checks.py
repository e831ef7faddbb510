"""Checks of representation: no structure is lost on its way to a model. Wiring only."""

from typing import Any

import dagster as dg

from catalyst_assets.representation.assets import structure_embeddings
from resources.platform import Platform

_SHOWN = 100


@dg.asset_check(
    asset=structure_embeddings,
    blocking=True,
    description="Every structure in use has finite features or is in quarantine with the reason.",
)
def every_structure_has_features(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse to go on without the features of a structure that should have them."""
    from catalyst_assets.representation.stage import measure_coverage

    coverage = measure_coverage(platform.database, platform.objects)
    metadata: dict[str, Any] = {
        "structures": coverage.n_structures,
        "quarantined": coverage.n_quarantined,
        "without_features": list(coverage.unaccounted[:_SHOWN]),
        "not_finite": list(coverage.not_finite[:_SHOWN]),
    }
    return dg.AssetCheckResult(
        passed=not coverage.unaccounted and not coverage.not_finite,
        metadata=metadata,
        description=f"{len(coverage.unaccounted)} without features, {len(coverage.not_finite)} not finite.",
    )
