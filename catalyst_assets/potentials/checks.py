"""Checks of potentials: no structure and no energy is lost on its way. Wiring only."""

import dagster as dg

from catalyst_assets.check_results import as_result
from catalyst_assets.potentials.assets import potential_energies, relaxed_structures
from resources.platform import Platform


@dg.asset_check(
    asset=relaxed_structures,
    blocking=True,
    description="Is every structure in use relaxed, or in quarantine with the reason?",
)
def every_structure_is_accounted_for(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse to go on without a structure that should be there."""
    from catalyst_assets.potentials.relaxed.judging import judge_relaxations
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe

    problems, counts = judge_relaxations(
        platform.database, chosen_recipe(platform.database, platform.settings)
    )
    return as_result(problems, **counts)


@dg.asset_check(
    asset=potential_energies,
    blocking=True,
    description="Has every material that was relaxed a formation energy and an energy above hull by the same potential, or "
    "a reason for none? Is each finite, in its unit and in range?",
)
def every_relaxed_material_has_energies(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse to go on without an energy that should be there."""
    from catalyst_assets.potentials.relaxed.judging import judge_energies
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe

    problems, counts = judge_energies(platform.database, chosen_recipe(platform.database, platform.settings))
    return as_result(problems, **counts)
