"""The program of a calculation of the validator `adsorption`: ``python -m catalyst_assets.validation.adsorption.program JOB``.

It reads ``job.json`` in the folder JOB, computes, and leaves ``adsorption.json`` with all states and refusals, then
``result.json`` with the lowest energies. The installation's home comes by the environment.
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.surfaces.computed.outcomes import Outcome, compute_outcomes
from catalyst_assets.surfaces.computed.recipe import read_settings
from catalyst_assets.validation.adsorption.answerable import ADSORBATES

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES: Final = "adsorption.json"
_TOGETHER: Final = ("O", "OH")


def main(folder: Path) -> None:
    """Compute the job of a folder; a failure is an answer, too."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    started = time.monotonic()
    try:
        outcome = _compute(job)
    except CatalystError as error:
        _write(folder / "result.json", {"outcome": "failed", "reason": str(error)})
        _say(str(error))
        return
    for state in sorted(outcome.states, key=lambda state: (state.adsorbate, state.energy_ev)):
        _say(f"{state.name}: {state.energy_ev:.3f} eV{f', {state.anomaly}' if state.anomaly else ''}")
    for each in outcome.refused:
        _say(f"{each.name or 'crystal'}: {each.reason}")
    _write(folder / STATES, outcome.model_dump(mode="json"))
    result = answer(job["properties"], outcome)
    _write(folder / "result.json", result | {"about": {"seconds": round(time.monotonic() - started, 1)}})


def answer(properties: list[str], outcome: Outcome) -> dict[str, Any]:
    """Return what ``result.json`` says: the lowest energy of each adsorbate that is asked for, or why there is none.

    O and OH that are asked together are those of one slab: what is derived of them happens on one surface.
    """
    values, missing = [], {}
    asked = {ADSORBATES[name]: name for name in properties if name in ADSORBATES}
    found = {adsorbate: outcome.lowest(adsorbate) for adsorbate in asked}
    reasons = {adsorbate: outcome.explain(adsorbate) for adsorbate in asked}
    if all(found.get(adsorbate) for adsorbate in _TOGETHER):
        found |= outcome.lowest_together(_TOGETHER)
        reasons |= dict.fromkeys(_TOGETHER, "No slab has sound states of both O and OH.")
    for adsorbate, name in asked.items():
        state = found[adsorbate]
        if state is None:
            missing[name] = reasons[adsorbate]
            continue
        note = f"{state.name}, {state.references}"
        if partial := outcome.count_missing(adsorbate):
            note += f"; {partial}"
        values.append({"property": name, "value": state.energy_ev, "unit": "eV", "note": note})
    reason = "; ".join(f"{name}: {why}" for name, why in missing.items())
    if not values:
        return {"outcome": "failed", "reason": reason, "missing": missing}
    return {"outcome": "measured", "reason": reason, "values": values, "missing": missing}


def _compute(job: "Mapping[str, Any]") -> Outcome:
    from pymatgen.core.structure import Structure

    from catalyst_assets.potentials.client import WorkerPotential
    from resources.settings import get_settings

    method, held = job["method"], job["structure"]
    potential = WorkerPotential.of(method["name"], get_settings(), tell=_say)
    crystal = Structure(held["lattice"], held["species"], held["fractional_coordinates"])
    adsorbates = [ADSORBATES[name] for name in job["properties"] if name in ADSORBATES]
    _say(f"{job['formula']}: {', '.join(adsorbates)} by {potential.method}")
    outcomes = compute_outcomes({job["formula"]: crystal}, adsorbates, potential, read_settings(method))
    return outcomes[job["formula"]]


def _write(path: Path, document: "Mapping[str, Any]") -> None:
    """Write a file that is whole or not there."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    partial.replace(path)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
