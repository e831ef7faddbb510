"""Gaps by the GLLB-SC potential, with its derivative discontinuity.

Kuisma, Ojanen, Enkovaara and Rantala, Phys. Rev. B 82, 115106 (2010). The potential has no energy of its own: structure
and energies are those of the method's functional.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .gaps import Gaps, find_gaps
from .scf import OLD_DRIVERS, NotConvergedError, bands_of, is_divergence, log_of, to_atoms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .crystal import Crystal
    from .scf import Setup

# GPAW's name of the potential.
GLLB_SC = "GLLBSC"


def gllb_gaps(
    setup: Setup, crystal: Crystal, kpoints: Sequence[int], moments: Sequence[float] | None
) -> tuple[Gaps, dict[str, Any]]:
    """Return the quasi-particle gaps: those of the Kohn-Sham energies plus the discontinuity, and both parts in eV.

    Raises
    ------
    NotConvergedError
        The self-consistent cycle does not converge.
    ValueError
        The solid is spin-polarised: its discontinuity is not computed here.
    """
    if moments is not None:
        raise ValueError(
            "GLLB-SC gaps are computed without spin only; say `spin: off` if the moments do not matter."
        )
    inputs = [crystal.to_document(), setup.method, list(kpoints), GLLB_SC]
    output = setup.folder.finished("gllb", inputs)
    if output is None:
        output = _compute(setup, crystal, kpoints)
        setup.folder.keep("gllb", inputs, output)
        setup.folder.say(f"gllb: discontinuity {output['discontinuity']:.3f} eV in {output['seconds']:.0f} s")
    gaps, discontinuity = find_gaps(np.array(output["bands"]), output["fermi_level"]), output["discontinuity"]
    if not gaps.indirect:
        return gaps, {"kohn_sham_gap": 0.0, "discontinuity": 0.0}
    about = {"kohn_sham_gap": gaps.indirect, "discontinuity": discontinuity}
    return Gaps(gaps.direct + discontinuity, gaps.indirect + discontinuity), about


def _compute(setup: Setup, crystal: Crystal, kpoints: Sequence[int]) -> dict[str, Any]:
    from gpaw.calculator import GPAW

    driver, started = setup.driver_of(OLD_DRIVERS), time.monotonic()
    parameters = setup.parameters(list(kpoints), bands=True, molecule=False, hubbard=True)
    atoms = to_atoms(crystal, None)
    with log_of(setup.folder) as log:
        atoms.calc = calculator = GPAW(**{**parameters, **driver, "xc": GLLB_SC}, txt=log)
        try:
            atoms.get_potential_energy()
        except Exception as error:
            if is_divergence(error):
                raise NotConvergedError(
                    f"gllb: no self-consistency within {driver['maxiter']} iterations"
                ) from error
            raise
        bands, fermi_level = bands_of(calculator), float(calculator.get_fermi_level())
        gaps, discontinuity = find_gaps(bands, fermi_level), 0.0
        if gaps.indirect:
            response = calculator.hamiltonian.xc.response
            potential = response.calculate_discontinuity_potential(gaps.valence, gaps.conduction)
            discontinuity = float(response.calculate_discontinuity(potential)[1])
    return {
        "bands": bands.tolist(),
        "fermi_level": fermi_level,
        "discontinuity": discontinuity,
        "seconds": round(time.monotonic() - started, 1),
    }
