"""The campaigns of the demo: the shipped ones with other options, each under a name of its own so that results never mix."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign

if TYPE_CHECKING:
    from pathlib import Path


class Goal(StrEnum):
    """What a demo looks for."""

    PEROVSKITES = "perovskites"
    HYDROGEN = "hydrogen"
    OXYGEN = "oxygen"


CAMPAIGN: Final = "oxide-perovskites-demo"
CAMPAIGNS: Final = {
    Goal.PEROVSKITES: CAMPAIGN,
    Goal.HYDROGEN: "hydrogen-alloys-demo",
    Goal.OXYGEN: "oxygen-evolution-demo",
}
# Shipped tables that a demo reads beside the one that is always read.
TABLES: Final[dict[Goal, list[str]]] = {
    Goal.PEROVSKITES: [],
    Goal.HYDROGEN: ["hydrogen_alloys"],
    Goal.OXYGEN: ["oer_plates"],
}
LIVE_ITERATIONS: Final = 2
LIVE_BATCH: Final = 4
LIVE_SOURCE: Final = "prototypes_perovskites_beyond_demo"
# Cubic perovskites whose A is none of the shipped set's. All their elements have closed shells, so that no calculation
# needs spin, and are those of the set or of its neighbours, so that references of elements are shared.
LIVE_ENUMERATION: Final[dict[str, Any]] = {
    "name": "perovskites_beyond_demo",
    "prototype": "cubic_perovskite",
    "sites": {
        "A": ["Bi", "In", "Sc", "Ga", "Tl"],
        "B": ["Al", "B", "Ga", "In", "Sc", "Y", "La", "Sb", "Nb", "Ta"],
        "X": ["O"],
    },
}


def goal_campaign(goal: Goal, iterations: int | None, batch: int | None, seed: int | None) -> Campaign:
    """Return the campaign of a demo, with other options where they are given."""
    return adapt_campaign(load_campaign(CAMPAIGNS[goal]), iterations, batch, seed)


def count_iterations(campaign: Campaign) -> int:
    """Return how many iterations a shipped campaign's budget is for, the initial batch included."""
    later = (campaign.stop.max_evaluations or 0) - campaign.initial_batch
    return 1 + later // campaign.acquisition.batch_size


def adapt_campaign(
    campaign: Campaign, iterations: int | None, batch: int | None, seed: int | None
) -> Campaign:
    """Return the demo's campaign with other options."""
    usual = count_iterations(campaign)
    iterations = iterations or usual
    batch = campaign.acquisition.batch_size if batch is None else batch
    seed = campaign.seed if seed is None else seed
    suffixes = [
        (f"n{iterations}", iterations != usual),
        (f"b{batch}", batch != campaign.acquisition.batch_size),
        (f"s{seed}", seed != campaign.seed),
    ]
    budget = campaign.initial_batch + (iterations - 1) * batch
    return Campaign.model_validate(
        campaign.document
        | {
            "name": "-".join([campaign.name, *(text for text, differs in suffixes if differs)]),
            "acquisition": campaign.document["acquisition"] | {"batch_size": batch},
            "seed": seed,
            "stop": campaign.document["stop"] | {"max_evaluations": budget, "max_iterations": iterations},
        }
    )


def live_campaign(iterations: int | None, batch: int | None, seed: int | None) -> Campaign:
    """Return the campaign over perovskites that the shipped set does not contain, which GPAW answers."""
    shipped = load_campaign(CAMPAIGN)
    iterations, batch = iterations or LIVE_ITERATIONS, batch or LIVE_BATCH
    suffixes = [f"n{iterations}"] * (iterations != LIVE_ITERATIONS) + [f"b{batch}"] * (batch != LIVE_BATCH)
    suffixes += [f"s{seed}"] * (seed is not None and seed != shipped.seed)
    return Campaign.model_validate(
        shipped.document
        | {
            "name": "-".join(["oxide-perovskites-live", *suffixes]),
            "description": "Stable cubic oxide perovskites with a gap for visible light, computed as they are asked for.",
            "pool": {"source": LIVE_SOURCE},
            "acquisition": shipped.document["acquisition"] | {"batch_size": batch},
            "initial_batch": batch,
            "validator": "gpaw",
            "seed": shipped.seed if seed is None else seed,
            "stop": {"max_evaluations": iterations * batch, "max_iterations": iterations},
            "test_fraction": 0,
        }
    )


def review_campaign(iterations: int | None, batch: int | None, seed: int | None, *, manual: bool) -> Campaign:
    """Return the demo's campaign whose batches a person decides about.

    Parameters
    ----------
    manual
        False for its initial batch, which nobody needs to look at.
    """
    adapted = goal_campaign(Goal.PEROVSKITES, iterations, batch, seed)
    name = adapted.name.replace(CAMPAIGN, "oxide-perovskites-review")
    return Campaign.model_validate(
        adapted.document | {"name": name, "review": "manual" if manual else "automatic"}
    )


def write_enumeration(folder: "Path") -> "Path":
    """Write which perovskites the live demo looks among; return the file."""
    import yaml

    path = folder / f"{LIVE_ENUMERATION['name']}.yaml"
    text = yaml.safe_dump(LIVE_ENUMERATION, sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path
