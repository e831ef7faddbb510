"""From materials to features, in a real database and object store."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg
import numpy as np
import pytest
import sqlalchemy as sa
import torch
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.representation import assets, checks, devices, stage
from catalyst_assets.representation.features import featurize
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets.representation.store import load_features
from catalyst_assets_tests.crystals import overlapping, publish_seeded, rock_salt, small_backbone
from resources.json_io import JsonStepValues
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows
from resources.settings import load_settings

B_SITES = ["Ti", "Zr", "Hf", "Sn", "Si", "Ge", "V"]
COLUMNS = [
    "material_id",
    "reduced_formula",
    "chemical_system",
    "elements",
    "n_sites",
    "structure_json",
    "structure_hash",
]


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """Shards of three structures."""
    platform.settings = load_settings(home=platform.settings.home, shard_size=3)
    return platform


def perovskites() -> dict[str, Structure]:
    return {f"test:Sr{b_site}O3": build_cubic_perovskite("Sr", b_site, "O3") for b_site in B_SITES}


def add(platform: Platform, structures: Mapping[str, Structure]) -> None:
    rows = [
        (
            material_id,
            structure.reduced_formula,
            structure.chemical_system,
            sorted(structure.symbol_set),
            len(structure),
            json.loads(json.dumps(structure.as_dict())),
            hash_structure(structure),
        )
        for material_id, structure in structures.items()
    ]
    with platform.database.transaction(Role.OWNER) as connection:
        copy_rows(connection, "materials", COLUMNS, rows)


def materialize(platform: Platform) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [assets.backbone, assets.structure_embeddings, checks.every_structure_has_features],
        resources={"platform": platform, "mlflow": platform.tracking, "io_manager": JsonStepValues(platform)},
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> Mapping[str, Any]:
    (event,) = result.asset_materializations_for_node(asset)
    return {name: item.value for name, item in event.metadata.items()}


def counts(result: dg.ExecuteInProcessResult) -> tuple[int, ...]:
    found = metadata(result, "structure_embeddings")
    return tuple(
        found[name] for name in ("structures", "embedded_now", "failed_now", "quarantined", "shards")
    )


def quarantine(platform: Platform) -> list[tuple[Any, ...]]:
    statement = "SELECT source, record, reason, payload FROM quarantine ORDER BY quarantine_id"
    with platform.database.transaction(Role.OWNER) as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_every_structure_is_embedded_once_and_later_only_the_new_ones(platform: Platform) -> None:
    add(platform, perovskites())
    first = materialize(platform)
    assert first.success
    assert counts(first) == (7, 7, 0, 0, 3)
    fingerprint = small_backbone().fingerprint
    assert metadata(first, "backbone")["sha256"] == fingerprint
    assert metadata(first, "structure_embeddings")["backbone_sha256"] == fingerprint

    assert counts(materialize(platform)) == (7, 0, 0, 0, 0)

    # The same structure under a second name is no new structure.
    add(platform, {"test:MgO": rock_salt(), "test:twin": perovskites()["test:SrTiO3"]})
    assert counts(materialize(platform)) == (8, 1, 0, 0, 1)


def test_what_is_stored_is_what_the_plain_functions_compute(platform: Platform) -> None:
    structures = perovskites()
    add(platform, structures)
    assert materialize(platform).success

    stored = load_features(
        platform.objects,
        current_fingerprint(platform.objects),
        [hash_structure(structure) for structure in structures.values()],
    )
    computed = featurize(list(structures.values()), small_backbone())
    assert stored.names == computed.names
    np.testing.assert_array_max_ulp(stored.values, computed.values, maxulp=1)


def test_a_structure_that_cannot_be_embedded_goes_to_quarantine_with_its_materials_and_the_reason(
    platform: Platform,
) -> None:
    add(platform, perovskites() | {"test:bad": overlapping(), "test:bad-too": overlapping()})

    result = materialize(platform)

    assert result.success
    assert counts(result) == (8, 7, 1, 1, 3)
    assert [(check.check_name, check.passed) for check in result.get_asset_check_evaluations()] == [
        ("every_structure_has_features", True)
    ]
    expected = (
        "structure_embeddings",
        hash_structure(overlapping()),
        "Two sites are only 0.08 Å apart.",
        {"material_ids": ["test:bad", "test:bad-too"]},
    )
    assert quarantine(platform) == [expected]
    assert counts(materialize(platform)) == (8, 0, 0, 1, 0)
    assert quarantine(platform) == [expected]


def test_a_shard_that_is_written_is_not_computed_again(platform: Platform) -> None:
    add(platform, perovskites() | {"test:bad": overlapping()})
    fingerprint = publish_seeded(platform.objects, seed=0).fingerprint
    shards = plan_shards(platform)
    before = [embed_shard(platform.database, platform.objects, shard) for shard in shards]
    # Without the network nothing could be computed.
    platform.objects.path(f"models/backbones/{fingerprint}.safetensors").unlink()

    assert [embed_shard(platform.database, platform.objects, shard) for shard in shards] == before
    assert sum(count["embedded"] for count in before) == 7
    assert sum(count["failed"] for count in before) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="This GPU can be used.")
def test_why_a_gpu_was_left_alone_stands_with_the_features(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_unused", None)  # what this process learns is not for other tests
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-none-such")
    add(platform, perovskites())
    result = materialize(platform)
    assert counts(result) == (7, 7, 0, 0, 3)
    reason = metadata(result, "structure_embeddings")["gpu_not_used"]
    assert reason.endswith("CATALYST_ACCELERATOR=cpu does without it.")
    assert reason == devices.unused_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(devices, "_unused", None)
    add(platform, {"test:MgO": rock_salt()})
    assert "gpu_not_used" not in metadata(materialize(platform), "structure_embeddings")


def test_a_shard_with_too_many_sites_is_cut_the_same_each_time(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = rock_salt()
    large.make_supercell([3, 3, 3])
    add(platform, perovskites() | {"test:large": large})
    publish_seeded(platform.objects, seed=0)
    monkeypatch.setattr(stage, "MOST_SITES", 12)

    shards = plan_shards(platform)

    n_sites = {hash_structure(structure): len(structure) for structure in [*perovskites().values(), large]}
    listed = [json.loads(platform.objects.get_bytes(shard["listing"])) for shard in shards]
    assert [name for names in listed for name in names] == sorted(n_sites)
    assert [hash_structure(large)] in listed
    assert all(
        len(names) <= 3 and (len(names) == 1 or sum(map(n_sites.get, names)) <= 12) for names in listed
    )
    assert plan_shards(platform) == shards


def test_a_lost_shard_blocks_until_it_is_computed_again(platform: Platform) -> None:
    add(platform, perovskites())
    assert materialize(platform).success
    for key in list(platform.objects.list_keys("embeddings"))[:1]:
        platform.objects.path(key).unlink()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [assets.structure_embeddings, checks.every_structure_has_features],
            selection=dg.AssetSelection.checks(checks.every_structure_has_features),
            resources={
                "platform": platform,
                "mlflow": platform.tracking,
                "io_manager": JsonStepValues(platform),
            },
            instance=instance,
            raise_on_error=False,
        )
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.blocking
    assert check.metadata["without_features"].value in {1, 2, 3}

    assert materialize(platform).success


def test_deprecated_materials_need_no_features(platform: Platform) -> None:
    add(platform, perovskites())
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE materials SET deprecated = true WHERE material_id = 'test:SrVO3'"))

    assert counts(materialize(platform))[:2] == (6, 6)
