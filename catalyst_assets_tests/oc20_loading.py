"""Fetching files in OC20's formats from loopback, and looking at what was loaded of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.fetching.downloads import Downloader
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.oc20.files import PublishedFile
from catalyst_assets.ingestion.oc20.source import Oc20
from catalyst_assets.ingestion.oc20.spec import BASE_URL, NAME
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.oc20_samples import mapping_entry, relaxations
from resources.platform import Platform
from resources.postgres.database import Role

H_ENERGIES = {
    "random1": -0.4440677500000021,
    "random2": -0.25,
    "random3": -3.0,
    "random4": 0.5,
    "random5": 1.0,
}


OH_ENERGIES = {"random11": -9.465824259999977, "random12": 0.75}


def published(name: str, data: bytes, kind: str, adsorbate: str = "") -> PublishedFile:
    return PublishedFile(
        name, f"{name}.tar", hashlib.md5(data, usedforsecurity=False).hexdigest(), kind, adsorbate
    )


H_ARCHIVE = relaxations("H", H_ENERGIES)


OH_ARCHIVE = relaxations("OH", OH_ENERGIES)


FILES = [
    published("h", H_ARCHIVE, "oc20_relaxations", "H"),
    published("oh", OH_ARCHIVE, "oc20_relaxations", "OH"),
]


def fetch(
    platform: Platform, base_url: str = "", files: Sequence[PublishedFile] = (), paths: Sequence[Path] = ()
) -> Refreshed:
    folder = platform.settings.home / "downloads"
    with Fetcher(sleep=lambda seconds: None) as fetcher:
        source = Oc20(
            Downloader(fetcher, folder),
            platform.objects,
            files,
            paths,
            read_memory(platform.database, NAME),
            folder,
            base_url or BASE_URL,
        )
        return refresh(source, platform.database, platform.objects)


def write_mapping(path: Path, **systems: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps({name: mapping_entry(**changes) for name, changes in systems.items()}))
    return path


def energies(platform: Platform) -> dict[str, float]:
    return {
        str(system): float(energy)
        for system, energy in query(
            platform, "SELECT system_id, energy_ev FROM adsorption_energies WHERE relaxed"
        )
    }


def problems(platform: Platform) -> set[str]:
    return {account.problem for account in account_for_rows(platform.database, platform.objects)}


STATE = (
    "SELECT system_id, frame, adsorbate, energy_ev, reference_energy_ev, bulk_mpid, miller_index, anomaly, raw_sha256, "
    "retrieved_at FROM adsorption_energies ORDER BY 1, 2"
)


def two_bulks(folder: Path) -> Path:
    """Write a mapping of two bulks: the lowest *H of the first has an anomaly, the next is random1; random4 is alone on the second.

    The second is spelled in letters: mp-aaaaaaac is mp-2.
    """
    return write_mapping(
        folder / "mapping.json",
        random1={"bulk_mpid": "mp-1", "bulk_symbols": "Pt4", "miller_index": [1, 1, 1]},
        random2={"bulk_mpid": "mp-1", "bulk_symbols": "Pt4"},
        random3={"bulk_mpid": "mp-1", "bulk_symbols": "Pt4", "anomaly": 2},
        random4={"bulk_mpid": "mp-aaaaaaac", "bulk_symbols": "Ni4"},
        random5={"bulk_mpid": "mp-2", "bulk_symbols": "Ni4", "ads_symbols": "*O"},
        random11={"bulk_mpid": "mp-1", "bulk_symbols": "Pt4", "ads_symbols": "*OH"},
    )


GAP = {"value": 0.0, "unit": "eV", "method": "PBE", "source": "materials_project"}


def add_bulk(platform: Platform, source_id: str, element: str, material_id: str | None = None) -> str:
    """Add a material as the Materials Project gives it, or give one another id there."""
    from pymatgen.core import Lattice, Structure

    from catalyst_assets.ingestion.reading.crystals import hash_structure

    name = material_id or f"materials_project:{source_id}"
    structure = Structure(Lattice.cubic(3.9), [element], [[0, 0, 0]])
    with platform.database.transaction(Role.OWNER) as connection:
        if material_id is None:
            connection.execute(
                sa.text(
                    "INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, n_sites, "
                    "structure_json, structure_hash, properties) VALUES (:name, :element, :element, "
                    "ARRAY[:element], 1, CAST(:structure AS jsonb), :hash, CAST(:properties AS jsonb))"
                ),
                {
                    "name": name,
                    "element": element,
                    "structure": json.dumps(structure.as_dict()),
                    "hash": hash_structure(structure),
                    "properties": json.dumps({"band_gap": [GAP]}),
                },
            )
        connection.execute(
            sa.text(
                "INSERT INTO material_sources VALUES ('materials_project', :id, :name, 'x', 'CC-BY-4.0', now())"
            ),
            {"id": source_id, "name": name},
        )
    return name
