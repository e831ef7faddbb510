"""An installation whose potential is ASE's effective medium theory, asked through the real worker, and crystals for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from ase import Atoms
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.build import build_defs
from catalyst_assets.potentials.relaxed.recipe import Recipe, chosen_recipe
from catalyst_assets_tests.integration.ingestion.test_identity import ingest, write
from resources.platform import Platform

METHOD = "emt"
ASSETS = ("relaxed_structures", "potential_energies")
_FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def write_potentials(folder: Path, python: str, **about: Any) -> Path:
    """Declare the potential, run by an interpreter."""
    declared = {
        "python": python,
        "kind": "calculator",
        "factory": "ase.calculators.emt:EMT",
        "elements": ["Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O"],
        "functional": "none",
    } | about
    path = folder / "potentials.yaml"
    path.write_text(yaml.safe_dump({"potentials": {METHOD: declared}}), encoding="utf-8")
    return path


def recipe(platform: Platform) -> Recipe:
    """What the potential relaxes with now."""
    return chosen_recipe(platform.database, platform.settings)


def fcc(edge: float, *symbols: str) -> Structure:
    """Four atoms on the places of a cubic close packing."""
    return Structure(Lattice.cubic(edge), symbols * (4 // len(symbols)), _FCC)


def load_crystals(platform: Platform, folder: Path, crystals: Mapping[str, Structure]) -> None:
    """Ingest crystals as the source `crystals`, each with a formation energy by PBE."""
    ingest(platform, write(folder, "crystals", [(name, each, -0.5) for name, each in crystals.items()]))


def relax_directly(structure: Structure) -> tuple[Structure, float]:
    """Return a structure at its minimum and its energy, by ASE alone."""
    atoms = Atoms(
        [site.specie.symbol for site in structure],
        scaled_positions=structure.frac_coords,
        cell=structure.lattice.matrix,
        pbc=True,
        calculator=EMT(),
    )
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.001, steps=500)
    relaxed = Structure(atoms.cell.array, structure.species, atoms.get_scaled_positions())
    return relaxed, float(atoms.get_potential_energy())


def materialize(
    platform: Platform,
    instance: dg.DagsterInstance,
    *names: str,
    config: Mapping[str, Any] | None = None,
    ops: Mapping[str, Any] | None = None,
    raise_on_error: bool = True,
) -> dg.ExecuteInProcessResult:
    """Run assets and their checks."""
    job = build_defs(platform=platform).resolve_implicit_global_asset_job_def()
    if config:
        ops = {"relaxed_structures": {"ops": {"structures_to_relax": {"config": dict(config)}}}}
    return job.execute_in_process(
        run_config={"ops": dict(ops or {})},
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in names or ASSETS],
        raise_on_error=raise_on_error,
    )
