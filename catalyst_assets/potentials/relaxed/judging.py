"""Whether all structures and energies of a potential are accounted for."""

from typing import TYPE_CHECKING, Final

from catalyst_assets.ingestion.accounting import check_properties
from catalyst_assets.potentials.relaxed.energies import measure_energies
from catalyst_assets.potentials.relaxed.structures import measure_account

if TYPE_CHECKING:
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from resources.postgres.database import Database

_WRITE_AGAIN: Final = "materialize `potential_energies` again, it writes all of them"


def judge_relaxations(database: "Database", recipe: "Recipe") -> tuple[list[str], dict[str, int]]:
    """Return what is wrong with the relaxed structures, as sentences, and how many there are of each kind."""
    account = measure_account(database, recipe)
    problems = []
    if account.waiting:
        problems.append(
            f"{account.waiting} structures were neither relaxed by {recipe.method} nor are they in quarantine: materialize "
            "`relaxed_structures` again, done shards are kept"
        )
    if account.relaxed_and_failed:
        problems.append(
            f"{account.relaxed_and_failed} structures are relaxed and in quarantine as well: materialize "
            "`relaxed_structures` again"
        )
    counts = {
        "structures": account.structures,
        "converged": account.converged,
        "not_converged": account.not_converged,
        "quarantined": account.failed,
        "waiting": account.waiting,
    }
    return problems, counts


def judge_energies(database: "Database", recipe: "Recipe") -> tuple[list[str], dict[str, int]]:
    """Return what is wrong with the energies by a potential, as sentences, and how many there are of each kind."""
    account = measure_energies(database, recipe)
    wrong = {
        "have no formation energy and no reason for it": account.lost,
        "have a formation energy and a reason for none": account.contradicted,
        "have a formation energy and no energy above hull": account.without_hull,
    }
    problems = check_properties(database)
    problems += [f"{count} materials {what}: {_WRITE_AGAIN}" for what, count in wrong.items() if count]
    counts = {
        "relaxed": account.relaxed,
        "with_energy": account.with_energy,
        "with_hull": account.with_hull,
        "without": account.without,
    }
    return problems, counts
