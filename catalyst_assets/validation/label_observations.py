"""What Dagster is told of the labels of an iteration: their hash, and by count and link what they were made from.

Labels whose results were corrected or retracted since get another data version, so that Dagster shows what was made from
them as outdated. The circle from `validation_results` back to `labels` cannot stand in Dagster's graph; it stands in these observations.
"""

from typing import Any, Final
from urllib.parse import quote

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from catalyst_assets.asset_metadata.shown import ROWS, table
from catalyst_assets.campaigns.labels import LabelOrigin, LabelPart, count_superseded

# Properties that an asset of their own derives where the sources do not give them.
_DERIVED: Final = {
    "energy_above_hull": "energies_above_hull",
    "adsorption_energy_H": "adsorption_labels",
    "adsorption_energy_O": "adsorption_labels",
    "adsorption_energy_OH": "adsorption_labels",
}


def observe(origin: LabelOrigin) -> dg.AssetObservation:
    """Return the observation of the labels that an iteration opened with."""
    validated = sum(part.labels for part in origin.parts if part.validated)
    results = list(dict.fromkeys(part.results_of for part in origin.parts if part.results_of))
    made_from = [_made_from(part) for part in origin.parts]
    metadata: dict[str, Any] = {
        "dagster/row_count": origin.labels,
        "computed": origin.labels - validated,
        "validated": validated,
        "made_from": table(made_from),
        **_superseded(origin),
        **{
            name: dg.MetadataValue.asset(dg.AssetKey(name))
            for name in dict.fromkeys(asset for row in made_from for asset in row["assets"].split(", "))
        },
        # Relative, so that they hold wherever the UI is reached.
        **{
            f"results of {key}": dg.MetadataValue.url(
                f"/assets/validation_results?view=partitions&partition={quote(key)}"
            )
            for key in results[-ROWS:]
        },
    }
    return dg.AssetObservation(
        asset_key="labels",
        partition=origin.partition_key,
        metadata=metadata,
        tags={DATA_VERSION_TAG: origin.version},
    )


def _superseded(origin: LabelOrigin) -> dict[str, Any]:
    if not origin.superseded:
        return {}
    rows = [
        {
            "property": label.property,
            "formula": label.formula,
            "material": label.material_id,
            "learned": label.learned,
            "since": label.change(),
            "value": label.value,
            "by": label.submitted_by,
            "at": label.at.isoformat(timespec="seconds"),
            "reason": label.reason,
        }
        for label in origin.superseded
    ]
    return {"superseded": count_superseded(origin.superseded), "superseded_labels": table(rows)}


def _made_from(part: LabelPart) -> dict[str, Any]:
    if part.validated:
        assets = ["validation_results"]
    else:
        assets = ["materials", *filter(None, [_DERIVED.get(part.property)])]
    return {
        "assets": ", ".join(assets),
        "iteration": part.results_of or None,
        "property": part.property,
        "method": part.method,
        "labels": part.labels,
    }
