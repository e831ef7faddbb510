"""A job from its file to its result: relax, compute once more with the bands, count against the elements, report."""

from __future__ import annotations

import platform
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .crystal import Crystal
from .discontinuity import GLLB_SC, gllb_gaps
from .elements import NoReferenceError, reference_energy
from .equation_of_state import NoMinimumError
from .folder import Folder, JobError, followed
from .gaps import Gaps, find_gaps
from .parallel import start
from .relaxation import Relaxed, relax
from .scf import NotConvergedError, Setup

if TYPE_CHECKING:
    from collections.abc import Sequence

FINISHED, BROKEN = 0, 1
# Reasons that lie in the material and the method; another is a defect, of the installation or of this program.
_EXPECTED = (JobError, NotConvergedError, NoMinimumError, NoReferenceError, MemoryError)
_GAP_OF = {
    "band_gap": "indirect", "band_gap_indirect": "indirect", "band_gap_direct": "direct",
    "valence_band_direct": "direct", "valence_band_indirect": "indirect",
    "conduction_band_direct": "direct", "conduction_band_indirect": "indirect",
}  # fmt: skip
PROPERTIES = ("lattice_a", "energy_total", "formation_energy_per_atom", *_GAP_OF)
_UNITS = {"lattice_a": "Å", "formation_energy_per_atom": "eV/atom"}


def main(arguments: Sequence[str]) -> int:
    """Compute the job of a folder; return 0 when `result.json` says what came out, failure included."""
    if len(arguments) != 1:
        print("usage: calculation.py JOB\nJOB is a folder that holds job.json.", file=sys.stderr)
        return 2
    path = Path(arguments[0]).resolve()
    if not path.is_dir():
        print(f"There is no folder {path}.", file=sys.stderr)
        return 2
    start()
    with followed(path) as folder:
        started = time.monotonic()
        code = FINISHED
        try:
            result = compute(folder)
        except _EXPECTED as error:
            # A second attempt goes on with safer settings from what has been computed.
            try_again = isinstance(error, NotConvergedError)
            result = _failure(str(error) or type(error).__name__) | {"try_again": try_again}
        except FileNotFoundError as error:
            # GPAW's way to say that it has no PAW data of an element, in many lines.
            result = _failure(str(error).strip().partition("\n")[0])
        except Exception as error:
            traceback.print_exc()
            place = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {' '.join(str(error).split())}"
            result = _failure(reason)
            code = BROKEN
        result["about"] = {
            **result["about"],
            "versions": versions(),
            "seconds": round(time.monotonic() - started, 1),
            "calculations": folder.computed,
        }
        folder.write_result(result)
        folder.say(
            f"{result['outcome']}: {result['reason'] or ', '.join(each['property'] for each in result['values'])}"
        )
        return code


def _failure(reason: str) -> dict[str, Any]:
    return {"outcome": "failed", "reason": reason, "values": [], "missing": {}, "about": {}}


def compute(folder: Folder) -> dict[str, Any]:
    """Return the result of a job.

    Raises
    ------
    JobError
        The job file does not say what has to be computed.
    NotConvergedError, NoMinimumError, NoReferenceError
        What the material, with these settings, does not allow.
    """
    job = folder.read_job()
    method, wanted = job["method"], list(job["properties"])
    unknown = sorted(set(wanted) - set(PROPERTIES))
    if unknown:
        raise JobError(f"Not computed here: {', '.join(unknown)}; what is: {', '.join(PROPERTIES)}.")
    try:
        crystal = Crystal.from_document(job["structure"])
    except ValueError as error:
        raise JobError(str(error)) from None
    setup = Setup(folder, method, int(job.get("attempt", 1)))
    folder.say(
        f"{job.get('material_id', '')} {''.join(crystal.species)}: {method.get('name', method['functional'])}"
    )
    relaxed = relax(setup, crystal)
    output = setup.run("final", relaxed.crystal, kpoints=relaxed.kpoints, moments=relaxed.moments, bands=True)
    values: dict[str, float] = {"energy_total": output["energy"]}
    missing: dict[str, str] = {}
    about: dict[str, Any] = {
        "method": method,
        "kpoints": list(relaxed.kpoints),
        "moment": output.get("moment"),
        "structure": relaxed.crystal.to_document(),
        **relaxed.about,
    }
    edge = relaxed.crystal.cubic_edge()
    if edge is None:
        missing["lattice_a"] = "the relaxed cell is not cubic"
    else:
        values["lattice_a"] = edge
    if "formation_energy_per_atom" in wanted:
        if method.get("formation_energies", True):
            references = Path(job.get("references") or folder.path.parent / "references")
            values["formation_energy_per_atom"], about["elements"] = _formation_energy(
                setup, references, relaxed.crystal, output["energy"]
            )
        else:
            missing["formation_energy_per_atom"] = (
                f"{method.get('name')} has no formation energies: its correction applies to the compound and not to the elements"
            )
    if any(name in _GAP_OF for name in wanted):
        gaps, about["gap"] = _gaps(setup, relaxed, output)
        values |= _gap_values(gaps, job.get("midgap_ev"))
        missing |= {
            name: "the job gives no midgap_ev" for name in wanted if name in _GAP_OF and name not in values
        }
    return {
        "outcome": "measured" if any(name in values for name in wanted) else "failed",
        "reason": "; ".join(f"{name}: {why}" for name, why in missing.items() if name in wanted),
        "values": [
            {"property": name, "value": values[name], "unit": _UNITS.get(name, "eV")}
            for name in wanted
            if name in values
        ],
        "missing": {name: why for name, why in missing.items() if name in wanted},
        "about": about,
    }


def _formation_energy(
    setup: Setup, references: Path, crystal: Crystal, energy: float
) -> tuple[float, dict[str, Any]]:
    elements = {
        element: reference_energy(setup, references, element) for element in sorted(set(crystal.species))
    }
    of_elements = sum(elements[each]["energy_per_atom"] for each in crystal.species)
    about = {
        name: {"energy_per_atom": each["energy_per_atom"], "source": each["source"]}
        for name, each in elements.items()
    }
    return (energy - of_elements) / len(crystal.species), about


def _gaps(setup: Setup, relaxed: Relaxed, output: dict[str, Any]) -> tuple[Gaps, dict[str, Any]]:
    if setup.method.get("gap_potential") == GLLB_SC:
        return gllb_gaps(setup, relaxed.crystal, relaxed.kpoints, relaxed.moments)
    return find_gaps(np.array(output["bands"]), output["fermi_level"]), {}


def _gap_values(gaps: Gaps, midgap_ev: float | None) -> dict[str, float]:
    """Return gaps, and the band edges half a gap from ``midgap_ev`` (Butler and Ginley), in eV below vacuum."""
    values = {}
    for name, which in _GAP_OF.items():
        gap = gaps.direct if which == "direct" else gaps.indirect
        if name.startswith("band_gap"):
            values[name] = gap
        elif midgap_ev is not None:
            values[name] = midgap_ev + (gap if name.startswith("valence") else -gap) / 2
    return values


def versions() -> dict[str, str]:
    """Return the versions of what the numbers come from."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("gpaw", "gpaw-data", "ase", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
