"""Assets of what is derived of materials: which records are one crystal, labels of bulks, energies above hull.

Wiring only. Each looks at what changed since it last did; what that is, `changes` knows.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.automation import Outstanding, follows
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.ingestion.changes import Plan
from catalyst_assets.ingestion.derived import outstanding
from catalyst_assets.sharding import shard_bounds
from resources.platform import Platform

# So many formulas are compared, or hulls computed, while one structure is embedded.
_FORMULAS_AN_EMBEDDING = 8
HULLS_AN_EMBEDDING = 4

Shards = Iterator[dg.DynamicOutput[list[str]] | dg.Output[int]]


def cut_into_shards(platform: Platform, plan: Plan, weight: int) -> Shards:
    """Yield what a plan names in shards, and how far it goes; ``weight`` names cost as much as an embedding."""
    for number, (start, stop) in enumerate(shard_bounds(len(plan.names), platform.settings, weight)):
        yield dg.DynamicOutput(
            list(plan.names[start:stop]), mapping_key=f"shard{number}", output_name="shards"
        )
    yield dg.Output(plan.until, output_name="until")


@dg.op(
    ins={"materials": dg.In(dg.Nothing)},
    out={"shards": dg.DynamicOut(list), "until": dg.Out(int)},
    pool=pool_of(Work.DERIVE),
    tags=op_tags(Work.DERIVE),
)
def formulas_to_compare(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> Shards:
    """Cut the formulas whose records have changed into shards."""
    from catalyst_assets.ingestion.derived.identity import plan_comparisons

    plan = plan_comparisons(platform.database)
    context.log.info("%d formulas to compare", len(plan.names))
    yield from cut_into_shards(platform, plan, _FORMULAS_AN_EMBEDDING)


@dg.op(pool=pool_of(Work.DERIVE), tags=op_tags(Work.DERIVE))
def compare_records(formulas: list[str], platform: dg.ResourceParam[Platform]) -> int:
    """Compare the records of some formulas."""
    from catalyst_assets.ingestion.derived.identity import unify_formulas

    return unify_formulas(platform.database, formulas)


@dg.op(pool=pool_of(Work.DERIVE), tags=op_tags(Work.DERIVE))
def settle_comparisons(
    until: int, unified: list[int], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Remember what is compared, and say how many crystals there are."""
    from catalyst_assets.ingestion.derived.identity import settle_identity

    identities = settle_identity(platform.database, until)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "unified": sum(unified),
                "records": identities.records,
                "materials": identities.materials,
                "dagster/row_count": identities.records,
                "shards": len(unified),
            }
        ),
        data_version=dg.DataVersion(identities.sha256),
    )


@dg.graph_asset(
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("materials", ("material_id", "reduced_formula", "structure_hash", "same_as")),
    ins={"materials": dg.AssetIn(dagster_type=dg.Nothing)},
    automation_condition=follows(
        Outstanding(
            "Records changed that may be one crystal with others", outstanding.identity_is_outstanding
        )
    ),
)
def material_identity(materials: Any) -> Any:
    """Which records of several sources are one crystal: one material, with the values that each source gives.

    A row is a record and the one that stands for its crystal.
    """
    shards, until = formulas_to_compare(materials=materials)
    return settle_comparisons(until, shards.map(compare_records).collect())


@dg.asset(
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("materials", ("material_id", "properties")),
    deps=[material_identity],
    automation_condition=follows(
        Outstanding(
            "Records or adsorption energies changed that labels are read from",
            outstanding.labels_are_outstanding,
        )
    ),
    pool=pool_of(Work.DERIVE),
    op_tags=op_tags(Work.DERIVE),
)
def adsorption_labels(platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
    """Lowest adsorption energies on the slabs of a material by each method, as properties of it.

    A row is a material whose properties hold such an energy, marked as derived.
    """
    from catalyst_assets.ingestion.derived.adsorption_labels import label_bulk_materials

    started = time.monotonic()
    labelled = label_bulk_materials(platform.database)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "labelled": labelled.changed,
                "labels": labelled.labels,
                "dagster/row_count": labelled.labels,
                "duration_seconds": time.monotonic() - started,
            }
        ),
        data_version=dg.DataVersion(labelled.sha256),
    )


@dg.op(
    ins={"material_identity": dg.In(dg.Nothing)},
    out={"shards": dg.DynamicOut(list), "until": dg.Out(int)},
    pool=pool_of(Work.DERIVE),
    tags=op_tags(Work.DERIVE),
)
def hulls_to_compute(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> Shards:
    """Cut the chemical systems whose formation energies have changed into shards."""
    from catalyst_assets.ingestion.derived.hulls import plan_hulls

    plan = plan_hulls(platform.database)
    context.log.info("%d chemical systems to look at", len(plan.names))
    yield from cut_into_shards(platform, plan, HULLS_AN_EMBEDDING)


@dg.op(pool=pool_of(Work.DERIVE), tags=op_tags(Work.DERIVE))
def compute_hull_shard(systems: list[str], platform: dg.ResourceParam[Platform]) -> int:
    """Compute the hulls of some chemical systems."""
    from catalyst_assets.ingestion.derived.hulls import compute_hulls

    return compute_hulls(platform.database, systems)


@dg.op(pool=pool_of(Work.DERIVE), tags=op_tags(Work.DERIVE))
def settle_hull_shards(
    until: int, changed: list[int], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Remember what is computed, and say how many materials it changed."""
    from catalyst_assets.ingestion.derived.hulls import settle_hulls

    sha256, hulls = settle_hulls(platform.database, until)
    return dg.MaterializeResult(
        metadata=shown({"hulls": sum(changed), "dagster/row_count": hulls, "shards": len(changed)}),
        data_version=dg.DataVersion(sha256),
    )


@dg.graph_asset(
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    kinds={"postgres", "pymatgen"},
    metadata=stored_in("computed_hulls"),
    ins={"material_identity": dg.AssetIn(dagster_type=dg.Nothing)},
    automation_condition=follows(
        Outstanding("Formation energies changed", outstanding.hulls_are_outstanding)
    ),
)
def energies_above_hull(material_identity: Any) -> Any:
    """Energy above hull of materials whose source gives a formation energy and no hull, by source and method.

    A row is a hull, of one source, method and chemical system; its energies are properties of materials.
    """
    shards, until = hulls_to_compute(material_identity=material_identity)
    return settle_hull_shards(until, shards.map(compute_hull_shard).collect())
