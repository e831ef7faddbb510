"""Assets of surfaces: adsorption energies of chosen materials by a potential. Wiring only.

One asset for the whole path: cutting a slab takes milliseconds and its sites are those of the relaxed slab, so that slabs
and sites of their own would only carry structures to whoever relaxes them again.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.asset_metadata.shown import pairs, shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.potentials.piped import piped_potential, told_plainly
from resources.platform import Platform


class AdsorptionConfig(dg.Config):
    """Which materials, adsorbates and facets; nothing is computed of materials that nobody chose.

    A default of surfaces is that of the potential's `surfaces` where it declares one.
    """

    potential: str | None = Field(default=None, description="Which; by default that of `CATALYST_POTENTIAL`.")
    adsorbates: list[str] = Field(default=["H"], min_length=1, description="Of H, O, OH, OOH, C, CO, N, NH.")
    facets: list[list[int]] = Field(
        default=[], description="Miller indices, such as [[1, 1, 1]]; by default the densest planes."
    )
    most_facets: int | None = Field(
        default=None, ge=1, description="Of a crystal whose facets are not named; by default 3."
    )
    materials: list[str] = Field(default=[], description="Ids; all else that chooses is left aside then.")
    campaign: str | None = Field(default=None, description="The materials of its pool.")
    source: str | None = Field(default=None, description="Materials of this source.")
    elements: list[str] = Field(default=[], description="Materials that contain every one of these.")
    only_elements: list[str] = Field(default=[], description="Materials that contain no others than these.")
    most: int = Field(
        default=100, ge=1, description="Materials at most, the first of those that wait by their ids."
    )
    layers: int | None = Field(
        default=None, ge=1, description="Layers of atoms of a slab at least; by default 4."
    )
    vacuum: float | None = Field(
        default=None, ge=5, description="From a slab up to the next, in Å; by default 15."
    )
    symmetric: bool | None = Field(
        default=None,
        description="Whether slabs are free as a whole and alike on both sides; by default the bottom is held.",
    )
    references: str | None = Field(
        default=None, description="Gas references: OC20 by default, or CH4 for carbon by methane."
    )
    again: bool = Field(
        default=False, description="Whether materials are computed again of which a part had no energy."
    )


@dg.op(
    ins={"material_identity": dg.In(dg.Nothing)},
    out=dg.DynamicOut(dict),
    pool=pool_of(Work.PLAN),
    tags=op_tags(Work.PLAN),
)
def materials_to_adsorb_on(
    context: dg.OpExecutionContext, config: AdsorptionConfig, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the chosen materials that lack an energy into shards."""
    from catalyst_assets.potentials.surface_settings import SurfaceSettings
    from catalyst_assets.surfaces.computed.choosing import Choice
    from catalyst_assets.surfaces.computed.planning import plan_adsorption, read_facet

    choice = Choice(
        tuple(config.materials),
        config.campaign,
        config.source,
        tuple(config.elements),
        tuple(config.only_elements),
        config.most,
    )
    if choice.is_empty:
        context.log.warning("No materials are chosen: name a campaign, a source, elements or materials.")
        return
    with told_plainly():
        planned = plan_adsorption(
            platform,
            choice,
            config.potential,
            config.adsorbates,
            SurfaceSettings(
                layers=config.layers,
                vacuum=config.vacuum,
                symmetric=config.symmetric,
                facets=tuple(map(read_facet, config.facets)),
                most_facets=config.most_facets,
                references=config.references,
            ),
            again=config.again,
        )
    context.log.info("%d of %d materials wait, in %d shards; %d more wait for the next run.", *planned.counts)
    for number, shard in enumerate(planned.shards):
        yield dg.DynamicOutput(shard, mapping_key=f"shard{number}")


@dg.op(pool=pool_of(Work.RELAX), tags=op_tags(Work.RELAX))
def adsorb_on_shard(
    context: dg.OpExecutionContext, shard: dict[str, Any], platform: dg.ResourceParam[Platform]
) -> dg.Output[dict[str, Any]]:
    """Relax the bulks, slabs and adsorbed states of a few materials."""
    from catalyst_assets.surfaces.computed.stage import adsorb_shard

    started = time.monotonic()
    with told_plainly(), piped_potential(context, shard["method"], platform.settings) as potential:
        counts = adsorb_shard(platform.database, potential, shard)
    # Pipes wants a step's results wrapped.
    return dg.Output({**counts, "method": shard["method"], "seconds": time.monotonic() - started})


@dg.op(pool=pool_of(Work.PLAN), tags=op_tags(Work.PLAN))
def settle_adsorption(
    computed: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Say what was computed now, and what there is."""
    from catalyst_assets.surfaces.computed.storing import count_anomalies, measure_account

    account = measure_account(platform.database)
    names = ("computed", "known", "states", "anomalies", "refused")
    now = {f"{name}_now": sum(shard[name] for shard in computed) for name in names}
    kinds = {
        method: count_anomalies(platform.database, method)
        for method in sorted({shard["method"] for shard in computed})
    }
    return dg.MaterializeResult(
        metadata=shown(
            {
                **now,
                "dagster/row_count": account.states,
                "anomalies": account.anomalies,
                "without_energy": account.without_energy,
                **{f"ended {method}": pairs("how", "states", found) for method, found in kinds.items()},
                "shards": len(computed),
                "compute_seconds": sum(shard["seconds"] for shard in computed),
            }
        )
    )


@dg.graph_asset(
    group_name=Group.SURFACES.value,
    owners=OWNERS,
    kinds={"postgres", "pymatgen"},
    metadata=stored_in("adsorption_energies"),
    ins={"material_identity": dg.AssetIn(dagster_type=dg.Nothing)},
)
def adsorption_relaxations(material_identity: Any) -> Any:
    """Adsorption energies of chosen materials by a potential: bulk, slabs and adsorbates on their sites relaxed.

    A row is an adsorbed state with facet, site, method and anomaly. What is computed already by the same settings is left
    as it is; the lowest state without anomaly of a material, by the default settings, becomes a property of it
    (`adsorption_labels`).
    """
    return settle_adsorption(
        materials_to_adsorb_on(material_identity=material_identity).map(adsorb_on_shard).collect()
    )
