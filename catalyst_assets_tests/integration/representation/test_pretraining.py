"""A backbone taught the formation energies of a real database."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import torch
from pymatgen.core import Element
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.representation.backbones import Backbone, OriginKind
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets.representation.pretraining import (
    PretrainingError,
    collect_labels,
    collect_pretraining_set,
    pretrain_backbone,
)
from catalyst_assets_tests.crystals import overlapping
from catalyst_assets_tests.fitted import A_SITES, B_SITES, tiny_backbone
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows

COLUMNS = [
    "material_id",
    "reduced_formula",
    "chemical_system",
    "elements",
    "n_sites",
    "structure_json",
    "structure_hash",
    "properties",
]
SETTINGS = FitSettings(
    max_epochs=15, max_edges_per_batch=2500, hidden=16, learning_rate=1e-2, accelerator="cpu"
)


def energy(value: float, method: str, source: str) -> dict[str, Any]:
    return {"value": value, "unit": "eV/atom", "method": method, "source": source}


def add(platform: Platform, materials: Mapping[str, tuple[Structure, list[dict[str, Any]]]]) -> None:
    rows = [
        (
            material_id,
            structure.reduced_formula,
            structure.chemical_system,
            sorted(structure.symbol_set),
            len(structure),
            json.loads(json.dumps(structure.as_dict())),
            hash_structure(structure),
            {"formation_energy_per_atom": energies} if energies else {"band_gap": []},
        )
        for material_id, (structure, energies) in materials.items()
    ]
    with platform.database.transaction() as connection:
        copy_rows(connection, "materials", COLUMNS, rows)


def as_owner(platform: Platform, statement: str, **parameters: Any) -> None:
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(statement), parameters)


def perovskites(sources: str = "mp") -> dict[str, tuple[Structure, list[dict[str, Any]]]]:
    """64 oxides whose energy follows from their elements; a third of them by a second method as well."""
    found = {}
    for index, (a_site, b_site) in enumerate((a, b) for a in A_SITES for b in B_SITES):
        value = -2.0 + Element(a_site).X - 0.8 * Element(b_site).X
        energies = [energy(value, "PBE", sources)]
        if index % 3 == 0:
            energies.append(energy(value - 0.5, "r2SCAN", sources))
        found[f"{sources}:{a_site}{b_site}O3"] = (build_cubic_perovskite(a_site, b_site, "O3"), energies)
    return found


def hash_of(material_id: str, materials: Mapping[str, tuple[Structure, Any]]) -> str:
    return hash_structure(materials[material_id][0])


def test_every_public_energy_is_collected_once_and_no_answer(platform: Platform) -> None:
    materials = perovskites()
    twice = materials["mp:SrTiO3"][0]
    materials["mp:SrTiO3"] = (twice, [energy(-9.0, "PBE", "aflow"), energy(-3.0, "PBE", "mp")])
    materials["aflow:SrTiO3"] = (twice, [energy(-9.0, "PBE", "aflow"), energy(-4.0, "PBE/PBE+U", "aflow")])
    materials["mp:bad"] = (overlapping(), [energy(-1.0, "PBE", "mp")])
    materials["castelli:hidden"] = (build_cubic_perovskite("Cs", "Hf", "O3"), [])
    add(platform, materials)
    as_owner(
        platform,
        "INSERT INTO reference_values (source, material_id, property, method, value, unit, raw_sha256) "
        "VALUES ('castelli', 'castelli:hidden', 'formation_energy_per_atom', 'PBE', -7.0, 'eV/atom', 'x')",
    )
    as_owner(platform, "UPDATE materials SET deprecated = true WHERE material_id = 'mp:KZrO3'")
    data = collect_pretraining_set(platform.database, tiny_backbone())
    assert data.labels.methods == ("PBE", "PBE/PBE+U", "r2SCAN")
    assert data.labels.properties[2] == "formation_energy_per_atom@r2SCAN"
    assert len(data.graphs) == len(data.labels.structure_hashes) == 63
    assert hash_structure(overlapping()) not in data.labels.structure_hashes
    row = data.labels.structure_hashes.index(hash_structure(twice))
    # Where the same crystal has several rows the first by name speaks, and its own source first.
    assert data.labels.values[row, :2].tolist() == [-9.0, -4.0]
    assert np.isnan(data.labels.values[row, 2])
    assert not (data.labels.values == -7.0).any()
    for missing in ("mp:KZrO3", "castelli:hidden"):
        assert hash_of(missing, materials) not in data.labels.structure_hashes
    assert collect_labels(platform.database).sha256 == data.sha256


def test_what_a_campaign_holds_out_is_not_taught_under_any_name(platform: Platform) -> None:
    materials = perovskites()
    materials["aflow:other-cell"] = (
        build_cubic_perovskite("Ca", "Ti", "O3").copy().apply_strain(0.01, inplace=False),
        [energy(-3.0, "PBE", "aflow")],
    )
    materials["oqmd:SrTiO3"] = materials["mp:SrTiO3"]
    add(platform, materials)
    before = collect_labels(platform.database)
    as_owner(
        platform,
        "UPDATE materials SET same_as = 'aflow:other-cell', deprecated = true WHERE material_id = 'mp:CaTiO3'",
    )
    as_owner(platform, "INSERT INTO campaigns (name, document, sha256) VALUES ('c', '{}', 'x')")
    as_owner(
        platform,
        "INSERT INTO campaign_test_set (campaign, material_id) VALUES ('c', 'mp:SrTiO3'), ('c', 'mp:CaTiO3')",
    )
    after = collect_labels(platform.database)
    gone = {hash_of(name, materials) for name in ("mp:SrTiO3", "mp:CaTiO3", "aflow:other-cell")}
    assert set(before.structure_hashes) - set(after.structure_hashes) == gone
    assert after.sha256 != before.sha256


def test_a_pretrained_backbone_predicts_better_than_the_mean_and_says_what_it_learned(
    platform: Platform, tmp_path: Path
) -> None:
    add(platform, perovskites())
    backbone = tiny_backbone()
    data = collect_pretraining_set(platform.database, backbone)
    told: list[int] = []
    pretrained, report = pretrain_backbone(
        backbone, data, SETTINGS, tmp_path, on_epoch=lambda epoch, metrics: told.append(epoch)
    )
    assert told == list(range(report.n_epochs))
    assert dict(report.n_labels) == {"PBE": 64, "r2SCAN": 22}
    assert report.mean_absolute_error["PBE"] < 0.6 * report.baseline["PBE"]
    assert pretrained.fingerprint != backbone.fingerprint
    assert pretrained.config == backbone.config
    assert pretrained.is_trained
    assert pretrained.origin.kind is OriginKind.PRETRAINED
    details = pretrained.origin.details
    assert details["parent"] == backbone.fingerprint
    assert details["data_sha256"] == data.sha256
    assert (details["n_labels"], details["n_structures"]) == (86, 64)
    assert details["methods"] == ["PBE", "r2SCAN"]
    again = Backbone.from_bytes(pretrained.to_bytes())
    assert again.fingerprint == pretrained.fingerprint
    for ours, theirs in zip(again.network.parameters(), pretrained.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    repeated, _ = pretrain_backbone(backbone, data, SETTINGS, tmp_path / "again")
    assert repeated.fingerprint == pretrained.fingerprint


def test_too_few_energies_are_refused(platform: Platform, tmp_path: Path) -> None:
    some = dict(list(perovskites().items())[:20])
    add(platform, some)
    data = collect_pretraining_set(platform.database, tiny_backbone())
    with pytest.raises(PretrainingError, match="27 formation energies"):
        pretrain_backbone(tiny_backbone(), data, SETTINGS, tmp_path)
