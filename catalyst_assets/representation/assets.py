"""Assets of representation: the network, and the features it gives each structure. Wiring only."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.asset_metadata.shown import pairs, shown, table
from catalyst_assets.asset_metadata.tables import file_schema
from catalyst_assets.automation import Outstanding, follows
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.representation.columns import COLUMNS
from resources.mlflow.tracking import Tracking
from resources.platform import Platform

# Of a network's configuration all is of interest.
_DETAILS = 50


def _lack_features(platform: Platform) -> bool:
    from catalyst_assets.representation.neighbours import lacks_vectors
    from catalyst_assets.representation.noted import lacks_features

    return lacks_features(platform) or lacks_vectors(platform)


class BackboneConfig(dg.Config):
    """Which network is used; what is left out is as the settings say (``CATALYST_BACKBONE…``)."""

    source: str | None = Field(
        default=None, description="`small_mace`, `schnet`, `dimenet`, `foundation`, `potential` or `file`."
    )
    name: str | None = Field(default=None, description="Of a foundation model, or of a potential.")
    path: str | None = Field(
        default=None, description="Of a MACE `.model` file: in the home, or in a folder that runs may read."
    )
    sha256: str | None = Field(
        default=None,
        description="Hash that the file must have: the setting's (`CATALYST_BACKBONE_SHA256`) or that of a model we "
        "know. A run cannot vouch for another.",
    )
    head: str | None = Field(default=None, description="Which readout of a file that holds several.")
    seed: int = Field(default=0, ge=0, description="Seed of the weights of a network that is built here.")
    accept_noncommercial: bool = Field(
        default=False, description="Whether your use of a model under a non-commercial licence is allowed."
    )
    pretrain: bool | None = Field(
        default=None, description="Whether it is taught the formation energies in `materials` first."
    )
    pretrain_epochs: int = Field(default=100, ge=1, description="Most passes over those energies.")


@dg.asset(
    group_name=Group.REPRESENTATION.value,
    owners=OWNERS,
    kinds={"pytorch"},
    deps=["material_identity"],  # a network may be taught their formation energies
    # Made once: another network would give every structure other features.
    automation_condition=follows(dg.AutomationCondition.missing()),
    pool=pool_of(Work.BACKBONE),
    op_tags=op_tags(Work.BACKBONE),
)
def backbone(
    context: dg.AssetExecutionContext,
    config: BackboneConfig,
    platform: dg.ResourceParam[Platform],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult[Any]:
    """Graph network whose invariant features describe structures: built here, a foundation model or a file.

    It is one safetensors file: the weights, named by their hash.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.representation.devices import unused_gpu
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.foundation.choice import BackboneChoice
    from catalyst_assets.representation.library import load_backbone
    from catalyst_assets.representation.networks.configs import config_to_json
    from catalyst_assets.representation.pretraining import PretrainingError
    from catalyst_assets.representation.supply import pretraining_rows, supply_backbone

    started = time.monotonic()
    asked = config.model_dump(exclude={"pretrain", "pretrain_epochs"})
    choice = BackboneChoice.of_run(platform.settings, **asked)
    is_taught = platform.settings.backbone_pretraining if config.pretrain is None else config.pretrain
    fit = FitSettings(
        max_epochs=config.pretrain_epochs,
        seed=config.seed,
        accelerator=platform.settings.accelerator,
        devices=platform.settings.devices_per_training,
    )
    try:
        supplied = supply_backbone(platform, mlflow, choice, fit if is_taught else None, context.run.run_id)
    except (PretrainingError, UsageError) as error:
        # Ours to tell: its class would stand before what it says.
        raise dg.Failure(str(error), allow_retries=False) from None
    if supplied.problem:
        context.log.warning("The pretraining is stored, but not tracked: %s", supplied.problem)
    network = supplied.published
    parameters = load_backbone(platform.objects, network.fingerprint).network.parameters()
    metadata: dict[str, Any] = {
        "sha256": network.fingerprint,
        "source": choice.source.value,
        "licence": network.origin.details.get("licence", choice.licence),
        "origin": pairs("what", "value", network.origin.to_json(), most=_DETAILS),
        "architecture": pairs("setting", "value", config_to_json(network.config), most=_DETAILS),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "dtype": network.config.dtype,
        "size_bytes": network.size_bytes,
        "made_now": network.is_new,
        "gpu_not_used": unused_gpu(),
        "duration_seconds": time.monotonic() - started,
    }
    if supplied.pretraining is not None:
        report = supplied.pretraining
        metadata |= {
            "pretraining": table(pretraining_rows(report)),
            "pretraining_structures": report.n_structures,
            "pretraining_epochs": report.n_epochs,
            "pretraining_best_epoch": report.best_epoch,
            "pretraining_left_out": ", ".join(report.left_out) or "no method",
        }
    if supplied.run_url:
        metadata["mlflow_run"] = dg.MetadataValue.url(supplied.run_url)
    return dg.MaterializeResult(metadata=shown(metadata), data_version=dg.DataVersion(network.fingerprint))


@dg.op(
    ins={"material_identity": dg.In(dg.Nothing), "backbone": dg.In(dg.Nothing)},
    out=dg.DynamicOut(dict),
    pool=pool_of(Work.PLAN),
    tags=op_tags(Work.PLAN),
)
def structures_without_features(
    context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the structures that have no features yet into shards."""
    from catalyst_assets.representation.stage import plan_shards

    shards = plan_shards(platform)
    context.log.info("%d shards to embed", len(shards))
    for shard in shards:
        yield dg.DynamicOutput(shard, mapping_key=f"shard{shard['index']}")


@dg.op(pool=pool_of(Work.EMBED), tags=op_tags(Work.EMBED))
def embed_structure_shard(shard: dict[str, Any], platform: dg.ResourceParam[Platform]) -> dict[str, Any]:
    """Compute the features of the structures of one shard."""
    from catalyst_assets.representation.devices import unused_gpu
    from catalyst_assets.representation.stage import embed_shard

    started = time.monotonic()
    counts = embed_shard(platform.database, platform.objects, shard, platform.settings)
    return {**counts, "seconds": time.monotonic() - started, "gpu_not_used": unused_gpu()}


@dg.op(pool=pool_of(Work.PLAN), tags=op_tags(Work.PLAN))
def settle_embeddings(
    embedded: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Say how many structures have features now."""
    from catalyst_assets.representation.neighbours import settle_vectors
    from catalyst_assets.representation.stage import measure_coverage

    started = time.monotonic()
    written = settle_vectors(platform.database, platform.objects)
    coverage = measure_coverage(platform.database, platform.objects)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "structures": coverage.n_structures,
                "dagster/row_count": coverage.n_structures
                - coverage.n_quarantined
                - len(coverage.unaccounted),
                "embedded_now": sum(shard["embedded"] for shard in embedded),
                "failed_now": sum(shard["failed"] for shard in embedded),
                "quarantined": coverage.n_quarantined,
                "components_written": written,
                "shards": len(embedded),
                "backbone_sha256": coverage.fingerprint,
                "gpu_not_used": next(filter(None, (shard.get("gpu_not_used") for shard in embedded)), None),
                "duration_seconds": sum(shard["seconds"] for shard in embedded) + time.monotonic() - started,
            }
        )
    )


@dg.graph_asset(
    group_name=Group.REPRESENTATION.value,
    owners=OWNERS,
    kinds={"parquet", "pytorch"},
    metadata=file_schema(COLUMNS),
    ins={
        "material_identity": dg.AssetIn(dagster_type=dg.Nothing),
        "backbone": dg.AssetIn(dagster_type=dg.Nothing),
    },
    automation_condition=follows(
        Outstanding(
            "Structures have neither features nor an entry in quarantine, or features without components",
            _lack_features,
        )
    ),
)
def structure_embeddings(material_identity: Any, backbone: Any) -> Any:
    """Pooled network features joined with elemental descriptors, once for each structure.

    A row is a structure, in Parquet files of some structures each.
    """
    shards = structures_without_features(material_identity=material_identity, backbone=backbone)
    return settle_embeddings(shards.map(embed_structure_shard).collect())
