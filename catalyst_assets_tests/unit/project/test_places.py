"""Every step of the real location is placed by the one table."""

import json

import dagster as dg
import pytest

from catalyst_assets.constants import Queue, Work
from catalyst_assets.definitions import defs

# What each executable op asks for: queue and pool, processors, memory, devices.
_INGEST = ("ingest", "1", "4Gi", None)
_FETCH = ("ingest", "500m", "2Gi", None)
_PLAN = ("predict", "500m", "2Gi", None)
PLACES = {
    "raw_aflow": _FETCH,
    "raw_materials_project": _FETCH,
    "raw_oc20": _FETCH,
    "raw_optimade": _FETCH,
    "raw_prototypes": _FETCH,
    "raw_reference_tables": _FETCH,
    "raw_uploads": _FETCH,
    "pending_shards": _INGEST,
    "load_material_batch": _INGEST,
    "settle_materials": _INGEST,
    "formulas_to_compare": _INGEST,
    "compare_records": _INGEST,
    "settle_comparisons": _INGEST,
    "hulls_to_compute": _INGEST,
    "compute_hull_shard": _INGEST,
    "settle_hull_shards": _INGEST,
    "adsorption_labels": _INGEST,
    "structures_to_relax": _PLAN,
    "relax_structure_shard": ("predict", "2", "4Gi", None),
    "settle_relaxations": _PLAN,
    "relax_elements": ("predict", "2", "4Gi", None),
    "write_energies": _INGEST,
    "settle_potential_energies": _INGEST,
    "backbone": ("gpu", "2", "8Gi", "1"),
    "structures_without_features": _PLAN,
    "embed_structure_shard": ("predict", "2", "4Gi", None),
    "settle_embeddings": _PLAN,
    "materials_to_adsorb_on": _PLAN,
    "adsorb_on_shard": ("predict", "2", "4Gi", None),
    "settle_adsorption": _PLAN,
    "training_set": _PLAN,
    "trained_model": ("predict", "2", "8Gi", None),
    "plan_prediction_shards": _PLAN,
    "predict_pool_shard": ("predict", "1", "4Gi", None),
    "promote_predictions": _PLAN,
    "ranked_candidates": ("predict", "1", "8Gi", None),
    "validation_results": ("validate", "500m", "2Gi", None),
}


def _ops() -> dict[str, dg.OpDefinition]:
    found: dict[str, dg.OpDefinition] = {}
    for asset in defs.get_repository_def().assets_defs_by_key.values():
        # A source that is only observed is a step of no run of ours.
        if asset.is_materializable:
            node = asset.node_def
            ops = [node] if isinstance(node, dg.OpDefinition) else list(node.iterate_op_defs())
            found |= {op.name: op for op in ops}
    return found


def test_every_op_of_every_asset_stands_in_the_table() -> None:
    assert sorted(_ops()) == sorted(PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_an_op_has_the_queue_pool_and_resources_of_its_work(name: str) -> None:
    queue, cpu, memory, gpu = PLACES[name]
    op = _ops()[name]
    assert op.pool == queue
    assert op.tags["dagster-celery/queue"] == queue
    requests = json.loads(op.tags["dagster-k8s/config"])["container_config"]["resources"]["requests"]
    assert (requests["cpu"], requests["memory"], requests.get("nvidia.com/gpu")) == (cpu, memory, gpu)
    assert op.tags["catalyst/work"] in list(Work)
    assert queue in list(Queue)
