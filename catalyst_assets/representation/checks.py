"""Checks of representation: the network works, and no structure is lost on its way to a model. Wiring only."""

from typing import Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import listing
from catalyst_assets.representation.assets import backbone, structure_embeddings
from resources.platform import Platform


@dg.asset_check(
    asset=backbone,
    blocking=True,
    description="Are the stored weights those that their name says? Do they describe a crystal with finite numbers?",
)
def network_describes_a_crystal(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse a network that cannot be read back or gives no usable features."""
    import numpy as np

    from catalyst_assets.representation.features import describe_probe
    from catalyst_assets.representation.library import current_fingerprint, load_backbone

    fingerprint = current_fingerprint(platform.objects)
    features = describe_probe(load_backbone(platform.objects, fingerprint), platform.settings)
    not_finite = int((~np.isfinite(features)).sum())
    return dg.AssetCheckResult(
        passed=not_finite == 0 and features.size > 0,
        metadata={"sha256": fingerprint, "features": features.shape[1], "not_finite": not_finite},
        description=f"{features.shape[1]} features a site, {not_finite} of {features.size} not finite.",
    )


@dg.asset_check(
    asset=structure_embeddings,
    blocking=True,
    description="Has every structure in use finite features, or is it in quarantine with the reason?",
)
def every_structure_has_features(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse to go on without the features of a structure that should have them."""
    from catalyst_assets.representation.stage import measure_coverage

    coverage = measure_coverage(platform.database, platform.objects)
    metadata: dict[str, Any] = {
        "structures": coverage.n_structures,
        "quarantined": coverage.n_quarantined,
        "without_features": len(coverage.unaccounted),
        "not_finite": len(coverage.not_finite),
    }
    if coverage.unaccounted:
        metadata["structures_without_features"] = listing("structure", coverage.unaccounted)
    if coverage.not_finite:
        metadata["structures_not_finite"] = listing("structure", coverage.not_finite)
    return dg.AssetCheckResult(
        passed=not coverage.unaccounted and not coverage.not_finite,
        metadata=metadata,
        description=f"{len(coverage.unaccounted)} without features, {len(coverage.not_finite)} not finite.",
    )
