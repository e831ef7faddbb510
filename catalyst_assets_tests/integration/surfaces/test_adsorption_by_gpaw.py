"""The same path by density functional theory: GPAW as a potential, coarse and small enough for a test."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
import yaml
from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.surfaces.adsorption import compute_adsorption
from catalyst_assets.surfaces.computed.recipe import settings_for
from catalyst_assets.surfaces.references import build_molecule
from catalyst_assets.surfaces.results import AdsorptionResult
from resources.settings import load_settings

METHOD = "gpaw-pbe"
OPTIONS = {
    "mode": {"name": "pw", "ecut": 200},
    "xc": "PBE",
    "kpts": {"density": 1.0},
    "occupations": {"name": "fermi-dirac", "width": 0.2},
    "symmetry": {"point_group": False},
    "txt": None,
}
DECLARED = {
    "python": sys.executable,
    "kind": "calculator",
    "factory": "gpaw:GPAW",
    "options": OPTIONS,
    "functional": "PBE",
    "surfaces": {
        "facets": [[1, 1, 1]], "layers": 1, "thickness": 0, "vacuum": 6, "width": 2.5, "largest_force": 0.1
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_energies_are_those_of_the_functional_itself(tmp_path: Path) -> None:
    if importlib.util.find_spec("gpaw") is None:
        said = "GPAW is missing: `make dft` installs Debian's libxc-dev and libopenblas-dev, and builds it."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    file = tmp_path / "potentials.yaml"
    file.write_text(yaml.safe_dump({"potentials": {METHOD: DECLARED}}), encoding="utf-8")
    settings = load_settings(home=tmp_path, potentials_file=file)
    aluminium = AseAtomsAdaptor.get_structure(bulk("Al", cubic=True))

    found = list(
        compute_adsorption(
            {"Al": aluminium},
            ["H"],
            WorkerPotential.of(METHOD, settings),
            settings_for(find_potential(METHOD, settings)),
        )
    )

    # One layer does not tell fcc from hcp.
    states = [each for each in found if isinstance(each, AdsorptionResult)]
    assert {each.site.partition("-")[0] for each in states} == {"ontop", "bridge", "fcc"}
    assert {each.method for each in states} == {METHOD}
    for each in states:
        assert each.energy_ev == pytest.approx(
            energy(each.atoms) - each.slab_energy_ev - each.reference_energy_ev, abs=0.02
        )
    # The molecule by itself, whose bond PBE makes 0.75 Å long.
    hydrogen = build_molecule("H2")
    hydrogen.set_distance(0, 1, 0.75)
    assert 2 * states[0].reference_energy_ev == pytest.approx(energy(hydrogen), abs=0.03)


def energy(atoms: object) -> float:
    """By GPAW without the platform, in eV."""
    from gpaw import GPAW

    copy = atoms.copy()  # type: ignore[attr-defined]
    copy.set_constraint()
    copy.calc = GPAW(**OPTIONS)
    return float(copy.get_potential_energy())
