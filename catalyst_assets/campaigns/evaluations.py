"""What validation answered for a campaign, in order, and the one judge of which answers are hits.

The loop, the report, the review app and the benchmarks ask it, so that they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.errors import CatalystError
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa


@dataclass(frozen=True)
class Evaluation:
    """One material that validation answered for.

    Attributes
    ----------
    values
        Measured value by property, in the property's unit; empty when every measurement failed, or is not to be
        trusted (``campaigns.rejections``).
    is_hit
        Whether they meet every criterion; False before they are judged.
    """

    material_id: str
    formula: str
    iteration: int
    rank: int
    values: dict[str, float]
    is_hit: bool = False


def load_evaluations(connection: "sa.Connection", campaign: Campaign) -> list[Evaluation]:
    """Return a campaign's evaluations by iteration and rank, judged."""
    read = read_evaluations(connection, campaign.name)
    hits = judge_hits(campaign, [one.values for one in read], [one.formula for one in read])
    return [replace(one, is_hit=hit) for one, hit in zip(read, hits, strict=True)]


def read_evaluations(connection: "sa.Connection", campaign: str) -> list[Evaluation]:
    """Return the evaluations of the campaign of that name by iteration and rank, not judged."""
    rows = fetch_all(
        connection, "loop/outcomes", campaign=campaign, kinds_without_labels=list(KINDS_WITHOUT_LABELS)
    )
    found: dict[str, Evaluation] = {}
    for row in rows:
        material_id = row["material_id"]
        values = found[material_id].values if material_id in found else {}
        if row["value"] is not None:
            values[row["property"]] = row["value"]
        found[material_id] = Evaluation(
            material_id, row["reduced_formula"], row["iteration"], row["rank"], values
        )
    return sorted(found.values(), key=lambda one: (one.iteration, one.rank, one.material_id))


def judge_hits(
    campaign: Campaign, values: "Sequence[Mapping[str, float]] | pd.DataFrame", formulas: Sequence[str]
) -> list[bool]:
    """Tell which materials meet every criterion.

    A derived property stands in where none was validated; where the physics of a material cannot be computed, it is
    judged by what was validated alone. An unknown property satisfies no bound, and without criteria nothing is a hit.

    Parameters
    ----------
    values
        Of each of m materials, by property.
    formulas
        The m reduced formulas.
    """
    if not len(values) or not campaign.criteria:
        return [False] * len(values)
    import pandas as pd

    from catalyst_assets.campaigns.criteria import is_hit
    from catalyst_assets.campaigns.derived import fill_derived

    columns = sorted({*campaign.properties, *campaign.learned_properties})
    frame: pd.DataFrame = pd.DataFrame(values).reindex(columns=columns).astype(float)
    try:
        filled = fill_derived(campaign, frame, formulas)
    except CatalystError:
        filled = pd.concat([_fill_if_possible(campaign, frame[i : i + 1], f) for i, f in enumerate(formulas)])
    return [bool(hit) for hit in is_hit(campaign, filled)]


def _fill_if_possible(campaign: Campaign, values: "pd.DataFrame", formula: str) -> "pd.DataFrame":
    from catalyst_assets.campaigns.derived import fill_derived

    try:
        return fill_derived(campaign, values, [formula])
    except CatalystError:
        return values
