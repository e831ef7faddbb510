"""One self-consistent calculation with GPAW: settings to parameters, safer ones when it does not converge."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .sampling import initial_moments, kpoint_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .crystal import Crystal
    from .folder import Folder

# How the self-consistent cycle is driven: by GPAW's own choice, and in a second attempt by slower mixing, more iterations
# and more thorough diagonalisation. The way changes, not the result.
DRIVERS: tuple[dict[str, Any], ...] = (
    {"maxiter": 150},
    {
        "maxiter": 600,
        "mixer": {"name": "pulay", "beta": 0.02, "nmaxold": 8, "weight": 100.0},
        "eigensolver": {"name": "davidson", "niter": 4},
    },
)
# The same for GPAW's older calculator, which GLLB-SC needs.
OLD_DRIVERS: tuple[dict[str, Any], ...] = (
    {"maxiter": 200},
    {"maxiter": 800, "mixer": {"backend": "pulay", "beta": 0.02, "nmaxold": 5, "weight": 100.0}},
)
# Functionals that PAW data are made for; the frozen cores of another are PBE's.
FUNCTIONALS_WITH_DATA = ("LDA", "PBE", "RPBE", "revPBE")
# Bands above the occupied ones, and how far above the lowest empty state they are converged, in eV.
EMPTY_BANDS = 8
CONVERGED_ABOVE = 0.3
# Most elements are metals of one or two atoms, whose energy needs more k-points than a compound's, and which cost little.
DENSER = 2.0


class NotConvergedError(RuntimeError):
    """The self-consistent cycle, or a relaxation, did not converge; a second attempt with safer settings may."""


@dataclass(frozen=True)
class Setup:
    """What a self-consistent calculation needs beside its structure.

    Attributes
    ----------
    folder
        Where finished ones are kept, and the log is.
    method
        Settings of the job.
    attempt
        Which try of the whole job this is: the second begins with safer settings.
    """

    folder: Folder
    method: dict[str, Any]
    attempt: int = 1

    def run(
        self,
        name: str,
        crystal: Crystal,
        *,
        kpoints: Sequence[int],
        moments: Sequence[float] | None,
        bands: bool = False,
        stress: bool = False,
        molecule: bool = False,
        hubbard: bool = True,
    ) -> dict[str, Any]:
        """Return energy in eV and what else was asked for; taken from the folder where it is there already.

        Parameters
        ----------
        name
            Name of the calculation within the job.
        crystal
            Structure.
        kpoints
            Size of the Γ-centred grid.
        moments
            Moments in µB from which it starts; None: without spin.
        bands
            Converge the empty bands near the gap, and return all energies of the bands.
        stress
            Return forces and stress.
        molecule
            No smearing, and the total moment stays as given.
        hubbard
            Apply the method's Hubbard corrections.

        Raises
        ------
        NotConvergedError
            It did not converge.
        """
        size = [int(each) for each in kpoints]
        inputs = [
            crystal.to_document(),
            self.method,
            size,
            moments and list(moments),
            bands,
            stress,
            molecule,
            hubbard,
        ]
        known = self.folder.finished(name, inputs)
        if known is not None:
            return known
        parameters = self.parameters(size, bands=bands, molecule=molecule, hubbard=hubbard)
        if molecule and moments is not None:
            parameters["occupations"]["fixmagmom"] = True
        driver = self.driver_of(DRIVERS)
        started = time.monotonic()
        try:
            output = self._compute(crystal, {**parameters, **driver}, moments, bands=bands, stress=stress)
        except Exception as error:
            if is_divergence(error):
                raise NotConvergedError(
                    f"{name}: no self-consistency within {driver['maxiter']} iterations"
                    f"{' of slow mixing' if 'mixer' in driver else ''}"
                ) from error
            raise
        output["seconds"] = round(time.monotonic() - started, 1)
        self.folder.keep(name, inputs, output)
        self.folder.say(f"{name}: {output['energy']:.4f} eV in {output['seconds']:.0f} s")
        return output

    def driver_of(self, drivers: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        """Return how the cycle is driven in this attempt."""
        return drivers[min(max(self.attempt, 1), len(drivers)) - 1]

    def parameters(self, size: list[int], *, bands: bool, molecule: bool, hubbard: bool) -> dict[str, Any]:
        """Return the parameters of GPAW that the method, the grid and what is wanted make."""
        method = self.method
        occupations: dict[str, Any] = {"name": "fermi-dirac", "width": method["smearing_ev"]}
        if molecule:
            occupations = {"name": "fermi-dirac", "width": 0.0}
        convergence: dict[str, Any] = {"energy": method["energy_tolerance_ev_per_electron"]}
        parameters: dict[str, Any] = {
            "mode": {"name": "pw", "ecut": method["cutoff_ev"]},
            "xc": exchange_correlation(method["functional"]),
            "kpts": {"size": size, "gamma": True},
            "occupations": occupations,
            "convergence": convergence,
        }
        if bands:
            convergence["bands"] = f"CBM+{CONVERGED_ABOVE}"
            parameters["nbands"] = -EMPTY_BANDS
        corrections = method.get("hubbard_u_ev") or {}
        if corrections and hubbard:
            parameters["setups"] = {
                element: f":{shell},{value}" for element, (shell, value) in corrections.items()
            }
        return parameters

    def _compute(
        self,
        crystal: Crystal,
        parameters: dict[str, Any],
        moments: Sequence[float] | None,
        *,
        bands: bool,
        stress: bool,
    ) -> dict[str, Any]:
        from gpaw import GPAW

        atoms = to_atoms(crystal, moments)
        with log_of(self.folder) as log:
            atoms.calc = GPAW(**parameters, spinpol=moments is not None, txt=log)
            output: dict[str, Any] = {"energy": float(atoms.get_potential_energy())}
            if moments is not None:
                output["moment"] = float(atoms.get_magnetic_moment())
            if stress:
                output["forces"] = atoms.get_forces().tolist()
                output["stress"] = atoms.get_stress(voigt=True).tolist()
            if bands:
                output["fermi_level"] = float(atoms.calc.get_fermi_level())
                output["bands"] = bands_of(atoms.calc).tolist()
            # GPAW writes its last lines when it is let go.
            atoms.calc = None
        return output


def exchange_correlation(functional: str) -> Any:
    """Return GPAW's parameter of a functional: with PBE's PAW data if there are none of its own."""
    if functional in FUNCTIONALS_WITH_DATA:
        return functional
    from gpaw.dft import XC

    class WithPbeData(XC):
        def functional(self, **options: Any) -> Any:
            made = super().functional(**options)
            made.get_setup_name = lambda: "PBE"
            return made

    return WithPbeData(functional)  # type: ignore[no-untyped-call]


def to_atoms(crystal: Crystal, moments: Sequence[float] | None) -> Any:
    """Return ASE's atoms of a crystal, with the moments the calculation starts from."""
    from ase import Atoms

    return Atoms(
        list(crystal.species),
        cell=crystal.lattice,
        scaled_positions=crystal.positions,
        pbc=True,
        magmoms=None if moments is None else list(moments),
    )


def bands_of(calculator: Any) -> np.ndarray[Any, Any]:
    """Return the energies of all bands in eV, of shape (n_spins, n_kpoints, n_bands)."""
    spins, kpoints = range(calculator.get_number_of_spins()), range(len(calculator.get_ibz_k_points()))
    return np.array([[calculator.get_eigenvalues(kpt=k, spin=s) for k in kpoints] for s in spins])


def grid_of(crystal: Crystal, method: dict[str, Any]) -> tuple[int, int, int]:
    """Return the size of the grid of k-points of a crystal, an element's the same whether it is asked for or a reference."""
    is_element = len(set(crystal.species)) == 1
    return kpoint_size(crystal.lattice, method["kpoint_density"] * (DENSER if is_element else 1.0))


def moments_of(crystal: Crystal, method: dict[str, Any]) -> list[float] | None:
    """Return the moments a crystal starts with; None: it is computed without spin."""
    return initial_moments(crystal.species, method["spin"])


def log_of(folder: Folder) -> Any:
    """Return the open log, to which every calculation of the job appends; None in processes that write none."""
    from contextlib import nullcontext
    from pathlib import Path

    from .parallel import is_first

    return Path(folder.log).open("a") if is_first() else nullcontext()


def is_divergence(error: Exception) -> bool:
    """Tell whether an error means that the cycle did not converge."""
    of_gpaw = any(kind.__name__ == "ConvergenceError" for kind in type(error).__mro__)
    return of_gpaw or isinstance(error, np.linalg.LinAlgError)
