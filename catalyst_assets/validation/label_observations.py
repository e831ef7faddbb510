"""What Dagster is told of the labels of an iteration: their hash, and by count and link what they were made from.

The circle from `validation_results` back to `labels` cannot stand in Dagster's graph; it stands in these observations.
"""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

if TYPE_CHECKING:
    from catalyst_assets.campaigns.labels import LabelOrigin, LabelPart

# Properties that an asset of their own derives where the sources do not give them.
_DERIVED: Final = {
    "energy_above_hull": "energies_above_hull",
    "adsorption_energy_H": "adsorption_labels",
    "adsorption_energy_O": "adsorption_labels",
    "adsorption_energy_OH": "adsorption_labels",
}


def observe(origin: "LabelOrigin") -> dg.AssetObservation:
    """Return the observation of the labels that an iteration opened with."""
    from catalyst_assets.figures import markdown_table

    validated = sum(part.labels for part in origin.parts if part.results_of)
    metadata: dict[str, Any] = {
        "dagster/row_count": origin.labels,
        "computed": origin.labels - validated,
        "validated": validated,
        "made_from": dg.MetadataValue.md(markdown_table([_row(part) for part in origin.parts])),
        "materials": dg.MetadataValue.asset(dg.AssetKey("materials")),
    }
    if validated:
        metadata["validation_results"] = dg.MetadataValue.asset(dg.AssetKey("validation_results"))
    return dg.AssetObservation(
        asset_key="labels",
        partition=origin.partition_key,
        metadata=metadata,
        tags={DATA_VERSION_TAG: origin.sha256},
    )


def _row(part: "LabelPart") -> dict[str, object]:
    # Relative, so that they hold wherever the UI is reached.
    if part.results_of:
        query = f"?view=partitions&partition={quote(part.results_of)}"
        sources = [f"[validation_results of {part.results_of}](/assets/validation_results{query})"]
    else:
        assets = ("materials", _DERIVED.get(part.property))
        sources = [f"[{asset}](/assets/{asset})" for asset in assets if asset]
    return {
        "made from": ", ".join(sources),
        "property": part.property,
        "method": part.method,
        "labels": part.labels,
    }
