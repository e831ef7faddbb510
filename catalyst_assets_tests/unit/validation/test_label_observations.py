"""What stands upstream of labels, which Dagster's graph cannot hold, stands in their observations."""

import dagster as dg

from catalyst_assets.campaigns.labels import LabelOrigin, LabelPart
from catalyst_assets.validation.label_observations import observe


def test_an_observation_counts_and_links_what_the_labels_were_made_from() -> None:
    made = observe(
        LabelOrigin(
            "mine__0002",
            "a" * 64,
            19,
            (
                LabelPart("energy_above_hull", "PBE", "", 12),
                LabelPart("band_gap", "PBE", "mine__0000", 4, validated=True),
                LabelPart("band_gap", "PBE", "mine__0001", 3, validated=True),
            ),
        )
    )
    assert made.partition == "mine__0002"
    assert made.data_version == "a" * 64
    said = {name: value.value for name, value in made.metadata.items()}
    assert (said["dagster/row_count"], said["computed"], said["validated"]) == (19, 12, 7)
    shown = made.metadata["made_from"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert [tuple(record.data.values()) for record in shown.records] == [
        ("materials, energies_above_hull", None, "energy_above_hull", "PBE", 12),
        ("validation_results", "mine__0000", "band_gap", "PBE", 4),
        ("validation_results", "mine__0001", "band_gap", "PBE", 3),
    ]
    for name in ("materials", "energies_above_hull", "validation_results"):
        assert said[name] == dg.AssetKey(name)
    assert said["results of mine__0001"] == "/assets/validation_results?view=partitions&partition=mine__0001"
