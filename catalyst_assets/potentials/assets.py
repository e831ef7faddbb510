"""Assets of potentials: structures as one relaxes them, and their energies by it. Wiring only."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from catalyst_assets.asset_metadata.shown import shown, table
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.automation import Outstanding, follows
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.ingestion.derived.assets import HULLS_AN_EMBEDDING, compute_hull_shard, cut_into_shards
from catalyst_assets.potentials.piped import piped_potential, told_plainly
from resources.platform import Platform

if TYPE_CHECKING:
    from catalyst_assets.potentials.interface import Relaxation
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from resources.postgres.database import Database


class RelaxationConfig(dg.Config):
    """How structures are relaxed that were not relaxed yet."""

    keep_symmetry: bool | None = Field(
        default=None,
        description="Whether a structure keeps its space group; as the last run had it by default, and the first keeps it. A "
        "candidate is asked for in its prototype: what becomes of another arrangement of its atoms is another material's "
        "energy. Where it changes, all structures are relaxed anew.",
    )
    largest_force: float | None = Field(
        default=None,
        gt=0,
        description="In eV/Å; below it a structure has converged, its cell as well. As the last run had it by default, and "
        "the first has 0.02. Where it changes, all structures are relaxed anew.",
    )
    most_steps: int = Field(
        default=500,
        ge=1,
        description="After which one is given up as not converged. What did not converge in fewer is tried again.",
    )
    again: bool = Field(
        default=False, description="Whether those are tried again that the potential failed at, as well."
    )

    def wanted(self, last: "Relaxation") -> "Relaxation":
        """Return what is asked of a potential, where this does not say as the last time."""
        force, keep = self.largest_force, self.keep_symmetry
        return replace(
            last,
            largest_force=last.largest_force if force is None else force,
            keep_symmetry=last.keep_symmetry if keep is None else keep,
        )


class ElementsConfig(dg.Config):
    """Which elements are asked for again."""

    again: bool = Field(
        default=False, description="Whether those are tried again that the potential failed at, as well."
    )


def _lack_relaxation(platform: Platform) -> bool:
    from catalyst_assets.potentials.relaxed.structures import any_waiting

    return _can_be_asked_and(any_waiting, platform)


def _lack_energies(platform: Platform) -> bool:
    from catalyst_assets.potentials.relaxed.energies import energies_are_outstanding

    return _can_be_asked_and(energies_are_outstanding, platform)


def _can_be_asked_and(find: "Callable[[Database, Recipe], bool]", platform: Platform) -> bool:
    """Tell whether anything is left for the chosen potential; nothing is for one that cannot be asked here."""
    from catalyst_assets.potentials.relaxed.chosen import can_ask
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe

    if not can_ask(platform.settings):
        return False
    return find(platform.database, chosen_recipe(platform.database, platform.settings))


@dg.op(
    ins={"material_identity": dg.In(dg.Nothing)},
    out=dg.DynamicOut(dict),
    pool=pool_of(Work.PLAN),
    tags=op_tags(Work.PLAN),
)
def structures_to_relax(
    context: dg.OpExecutionContext, config: RelaxationConfig, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the structures that the potential has not relaxed yet into shards."""
    from catalyst_assets.potentials.client import WorkerPotential
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe, write_recipe
    from catalyst_assets.potentials.relaxed.structures import plan_relaxations

    with told_plainly():
        last = chosen_recipe(platform.database, platform.settings)
        WorkerPotential.of(last.method, platform.settings)
    recipe = write_recipe(last.method, platform.settings, config.wanted(last.wanted))
    shards = plan_relaxations(
        platform.database, platform.settings, recipe, config.most_steps, again=config.again
    )
    context.log.info("%d structures to relax by %s", sum(map(len, shards)), recipe.method)
    for number, structures in enumerate(shards):
        yield dg.DynamicOutput(
            {
                "method": recipe.method,
                "recipe": dict(recipe.document),
                "most_steps": config.most_steps,
                "structures": structures,
            },
            mapping_key=f"shard{number}",
        )


@dg.op(pool=pool_of(Work.RELAX), tags=op_tags(Work.RELAX))
def relax_structure_shard(
    context: dg.OpExecutionContext, shard: dict[str, Any], platform: dg.ResourceParam[Platform]
) -> dg.Output[dict[str, Any]]:
    """Relax the structures of one shard."""
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from catalyst_assets.potentials.relaxed.structures import relax_shard

    started = time.monotonic()
    recipe = Recipe(shard["method"], shard["recipe"])
    with told_plainly(), piped_potential(context, recipe.method, platform.settings) as potential:
        counts = relax_shard(platform.database, potential, recipe, shard["most_steps"], shard["structures"])
    # Pipes wants a step's results wrapped.
    return dg.Output({**counts, "seconds": time.monotonic() - started})


@dg.op(pool=pool_of(Work.PLAN), tags=op_tags(Work.PLAN))
def settle_relaxations(
    relaxed: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Say what became of the structures."""
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe
    from catalyst_assets.potentials.relaxed.structures import hash_relaxed, measure_account

    with told_plainly():
        recipe = chosen_recipe(platform.database, platform.settings)
    sha256, rows = hash_relaxed(platform.database, recipe)
    account = measure_account(platform.database, recipe)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "method": recipe.method,
                "recipe": recipe.sha256,
                "dagster/row_count": rows,
                "structures": account.structures,
                "converged": account.converged,
                "not_converged": account.not_converged,
                "quarantined": account.failed,
                "relaxed_now": sum(shard["converged"] + shard["not_converged"] for shard in relaxed),
                "failed_now": sum(shard["failed"] for shard in relaxed),
                "other_space_group": account.other_space_group,
                "mean_volume_change": account.mean_volume_change,
                "shards": len(relaxed),
                "duration_seconds": sum(shard["seconds"] for shard in relaxed),
            }
        ),
        data_version=dg.DataVersion(sha256),
    )


@dg.graph_asset(
    group_name=Group.POTENTIALS.value,
    owners=OWNERS,
    kinds={"postgres", "ase"},
    metadata=stored_in("relaxed_structures"),
    ins={"material_identity": dg.AssetIn(dagster_type=dg.Nothing)},
    automation_condition=follows(
        Outstanding(
            "A potential is chosen and installed, and structures were neither relaxed by it nor failed by it",
            _lack_relaxation,
        )
    ),
)
def relaxed_structures(material_identity: Any) -> Any:
    """Structures in use as the chosen potential (`CATALYST_POTENTIAL`) relaxes them, cell and atoms, once for each.

    A row is a structure and the potential that relaxed it. One that it could not relax is in quarantine.
    """
    shards = structures_to_relax(material_identity=material_identity)
    return settle_relaxations(shards.map(relax_structure_shard).collect())


@dg.op(
    ins={"relaxed_structures": dg.In(dg.Nothing)},
    pool=pool_of(Work.RELAX),
    tags=op_tags(Work.RELAX),
)
def relax_elements(
    context: dg.OpExecutionContext, config: ElementsConfig, platform: dg.ResourceParam[Platform]
) -> dg.Output[dict[str, Any]]:
    """Relax the elements that formation energies are measured from, those that are new."""
    from catalyst_assets.potentials.relaxed.elements import keep_references, lacking_elements
    from catalyst_assets.potentials.relaxed.recipe import chosen_recipe

    started = time.monotonic()
    with told_plainly():
        recipe = chosen_recipe(platform.database, platform.settings)
        elements = lacking_elements(platform.database, recipe, again=config.again)
        if elements:
            context.log.info("%d elements to relax by %s", len(elements), recipe.method)
            with piped_potential(context, recipe.method, platform.settings) as potential:
                keep_references(platform.database, potential, recipe, elements)
    about = {"method": recipe.method, "recipe": dict(recipe.document)}
    return dg.Output({**about, "elements": len(elements), "seconds": time.monotonic() - started})


@dg.op(
    out={"shards": dg.DynamicOut(list), "until": dg.Out(int), "written": dg.Out(dict)},
    pool=pool_of(Work.DERIVE),
    tags=op_tags(Work.DERIVE),
)
def write_energies(
    context: dg.OpExecutionContext, relaxed: dict[str, Any], platform: dg.ResourceParam[Platform]
) -> Iterator[Any]:
    """Write formation energies, and cut the chemical systems whose hulls follow from them into shards."""
    from catalyst_assets.ingestion.derived.hulls import plan_hulls
    from catalyst_assets.potentials.relaxed.energies import write_formation_energies
    from catalyst_assets.potentials.relaxed.recipe import Recipe

    started = time.monotonic()
    recipe = Recipe(relaxed["method"], relaxed["recipe"])
    changed = write_formation_energies(platform.database, recipe)
    plan = plan_hulls(platform.database)
    context.log.info("%d formation energies are new, %d systems to look at", changed, len(plan.names))
    yield from cut_into_shards(platform, plan, HULLS_AN_EMBEDDING)
    seconds = relaxed["seconds"] + time.monotonic() - started
    yield dg.Output({**relaxed, "changed": changed, "seconds": seconds}, output_name="written")


@dg.op(pool=pool_of(Work.DERIVE), tags=op_tags(Work.DERIVE))
def settle_potential_energies(
    until: int, written: dict[str, Any], hulls: list[int], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Remember what is computed, and say what the materials have."""
    from catalyst_assets.ingestion.derived.hulls import settle_hulls
    from catalyst_assets.potentials.relaxed.elements import load_references
    from catalyst_assets.potentials.relaxed.energies import hash_energies, measure_energies
    from catalyst_assets.potentials.relaxed.recipe import Recipe

    recipe = Recipe(written["method"], written["recipe"])
    settle_hulls(platform.database, until)
    account = measure_energies(platform.database, recipe)
    references = load_references(platform.database, recipe).values()
    return dg.MaterializeResult(
        metadata=shown(
            {
                "method": recipe.method,
                "recipe": recipe.sha256,
                "corrections": recipe.corrections or "none",
                "dagster/row_count": account.with_energy,
                "with_energy_above_hull": account.with_hull,
                "without_energy": account.without,
                "changed": written["changed"],
                "hulls_changed": sum(hulls),
                "elements_relaxed_now": written["elements"],
                "elements": table(vars(each) for each in references),
                "duration_seconds": written["seconds"],
            }
        ),
        data_version=dg.DataVersion(hash_energies(platform.database, recipe)),
    )


@dg.graph_asset(
    group_name=Group.POTENTIALS.value,
    owners=OWNERS,
    kinds={"postgres", "pymatgen"},
    metadata=stored_in("materials", ("material_id", "properties")),
    ins={"relaxed_structures": dg.AssetIn(dagster_type=dg.Nothing)},
    automation_condition=follows(
        Outstanding(
            "Relaxed structures have neither a formation energy nor a reason for none", _lack_energies
        )
    ),
)
def potential_energies(relaxed_structures: Any) -> Any:
    """Energies of formation and above the hull by the chosen potential, against elements and phases by the same one.

    A row is a material whose properties hold such an energy, with the potential as its method.
    """
    shards, until, written = write_energies(relax_elements(relaxed_structures=relaxed_structures))
    return settle_potential_energies(until, written, shards.map(compute_hull_shard).collect())
