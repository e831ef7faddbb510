"""How far a campaign has come: what validation answered, in order, and which answers are hits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class Evaluation:
    """One material that validation answered for.

    Attributes
    ----------
    values
        Measured value by property, in the property's unit; empty when every measurement failed, or is not to be
        trusted (``acquisition.rejections``).
    """

    material_id: str
    formula: str
    iteration: int
    rank: int
    values: dict[str, float]
    is_hit: bool


def load_evaluations(connection: "sa.Connection", campaign: Campaign) -> list[Evaluation]:
    """Return a campaign's evaluations by iteration and rank.

    A derived property stands in where none was validated (``campaigns.derived.fill_derived``).
    """
    rows = fetch_all(
        connection,
        "loop/outcomes",
        campaign=campaign.name,
        kinds_without_labels=list(KINDS_WITHOUT_LABELS),
    )
    by_material: dict[str, dict[str, float]] = {}
    heads: dict[str, tuple[str, int, int]] = {}
    for row in rows:
        values = by_material.setdefault(row["material_id"], {})
        if row["value"] is not None:
            values[row["property"]] = row["value"]
        heads[row["material_id"]] = (row["reduced_formula"], row["iteration"], row["rank"])
    ids = sorted(by_material, key=lambda material_id: (heads[material_id][1:], material_id))
    hits = judge(campaign, [by_material[i] for i in ids], [heads[i][0] for i in ids])
    return [
        Evaluation(material_id, *heads[material_id], values=by_material[material_id], is_hit=hit)
        for material_id, hit in zip(ids, hits, strict=True)
    ]


def judge(campaign: Campaign, values: list[dict[str, float]], formulas: list[str]) -> list[bool]:
    """Tell which materials meet the criteria; an unmeasured property meets none."""
    if not values or not campaign.criteria:
        return [False] * len(values)
    import pandas as pd

    from catalyst_assets.campaigns.criteria import is_hit
    from catalyst_assets.campaigns.derived import fill_derived

    columns = sorted({*campaign.properties, *campaign.learned_properties})
    frame: pd.DataFrame = pd.DataFrame(values).reindex(columns=columns).astype(float)
    return [bool(hit) for hit in is_hit(campaign, fill_derived(campaign, frame, formulas))]
