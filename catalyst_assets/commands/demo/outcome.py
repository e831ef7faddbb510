"""What `catalyst demo` says in the end: the iterations, what was found, and what chance would have found."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from catalyst_assets.commands.tables import MISCALIBRATION, MISCALIBRATION_EXPLAINED, narrow_table, number

if TYPE_CHECKING:
    from rich.table import Table

    from catalyst_assets.report.summary import CampaignSummary
    from catalyst_assets.validation.pool_hits import Standing

_TOLD = (
    "partition",
    "evaluated",
    "hits",
    "valid_mae",
    "valid_mae_by_property",
    "test_mae_by_property",
    "miscalibration_area",
    "seconds",
)
_LEGEND = f"""\
valid MAE is the mean absolute error on unseen chemical systems, test MAE that
on the campaign's test set, both in the property's unit (eV, eV/atom, V).
{MISCALIBRATION_EXPLAINED}"""


@dataclass(frozen=True)
class Outcome:
    """A demo's campaign in the end.

    Attributes
    ----------
    standing
        How its best stands in the pool; None where criteria make hits, and where nobody knows.
    """

    summary: "CampaignSummary"
    standing: "Standing | None" = None


def as_object(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    summary, standing = outcome.summary, outcome.standing
    return {
        "campaign": summary.campaign,
        "pool_size": summary.pool_size,
        "hits_in_pool": summary.hits_in_pool,
        "iterations": [
            {name: getattr(iteration, name) for name in _TOLD} for iteration in summary.iterations
        ],
        "evaluated": summary.evaluated,
        "hits": summary.hits,
        "random_expected_hits": summary.random_expected_hits,
        "objective": None
        if standing is None
        else {
            "property": standing.objective,
            "best": summary.best[-1],
            "material_id": summary.found[0].material_id,
            "rank": standing.rank,
            "best_hundredth": standing.top,
            "found_of_best_hundredth": standing.top_found,
            "random_expected_of_best_hundredth": standing.random_expected_top,
        },
        "seconds": seconds,
    }


def iterations_table(summary: "CampaignSummary") -> "Table":
    """Return the table of a campaign's iterations."""
    what = "best" if summary.best else "hits"
    numbers = ["evaluated", what, "valid MAE", "test MAE", MISCALIBRATION, "seconds"]
    # How many hits a pool holds is known where a table has all the answers.
    known = "" if summary.hits_in_pool is None else f" of {summary.hits_in_pool}"
    found = f"best {number(summary.best[-1])}" if summary.best else f"{summary.hits}{known} hits"
    table = narrow_table(f"{summary.campaign}: {found}", ["iteration"], numbers)
    for iteration in summary.iterations:
        tested = iteration.test_mae_by_property.values()
        table.add_row(
            iteration.label,
            str(iteration.evaluated),
            number(summary.best[iteration.evaluated - 1]) if summary.best else str(iteration.hits),
            number(iteration.valid_mae),
            number(fmean(tested) if tested else None),
            number(iteration.miscalibration_area),
            f"{iteration.seconds:.1f}",
        )
    return table


def show_outcome(outcome: Outcome, folder: Path, home_option: str, seconds: float) -> None:
    """Print what was found, and where to look next."""
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(iterations_table(outcome.summary), soft_wrap=False)
    console.print(_LEGEND)
    console.print(f"{describe_found(outcome)} {seconds:.0f} s.")
    console.print(f"Discovery curve: {folder / 'discovery-curve.png'}")
    console.print(f"Report:          {folder / 'report.html'}")
    console.print(
        f"Next: `catalyst up{home_option}` shows every run in Dagster and the candidates in the review app."
    )


def describe_found(outcome: Outcome) -> str:
    """Return what was found beside chance, as a sentence or two."""
    summary, standing = outcome.summary, outcome.standing
    after = f"after {summary.evaluated} evaluations of {summary.pool_size} candidates"
    if standing is None:
        expected = summary.random_expected_hits
        by_chance = "" if expected is None else f"; random choice expects {expected:.2f}"
        return f"{summary.hits} hits {after}{by_chance}."
    best, (value,) = summary.found[0], summary.best[-1:]
    return (
        f"{best.formula}, {value:.3f}{_unit(standing.objective)}, is the best {after}: rank {standing.rank} of "
        f"{standing.known}. Of the {standing.top} that are the best hundredth {standing.top_found} were found; random choice "
        f"expects {standing.random_expected_top:.2f}."
    )


def _unit(name: str) -> str:
    from catalyst_assets.vocabulary.known import unit_of

    unit = unit_of(name)
    return f" {unit}" if unit else ""
