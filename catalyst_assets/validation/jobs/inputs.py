"""What a program reads: ``job.json`` with all that is asked, and the structure as programs of the field read it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.band_edges import midgap
from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.validation.jobs.folder import JOB, STRUCTURES
from catalyst_assets.validation.jobs.identity import JOB_FORMAT
from catalyst_assets.vocabulary.known import unit_of
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.validation.jobs.records import Job
    from resources.postgres.database import Database


# Band edges by composition and gap need the middle of the gap beside the gap itself.
_EDGES: Final = ("valence_band_", "conduction_band_")


def write_inputs(database: "Database", job: "Job", references: Path) -> dict[str, bytes]:
    """Return the files that the program of a calculation reads, by name.

    Parameters
    ----------
    references
        Folder that calculations share, for what is computed once for all, such as the energies of elements.

    Raises
    ------
    UsageError
        Its material is gone, or has no structure.
    """
    from pymatgen.core.structure import Structure

    with database.transaction(Role.VALIDATOR) as connection:
        rows = fetch_all(connection, "validation/jobs/structures", material_ids=[job.material_id])
    if not rows:
        raise UsageError(f"There is no material {job.material_id}.", "Load its source again.")
    if rows[0]["structure_json"] is None:
        raise UsageError(f"{job.material_id} cannot be computed. {NO_STRUCTURE}", "Load a structure of it.")
    structure = Structure.from_dict(rows[0]["structure_json"])
    document = describe(job, rows[0]["reduced_formula"], structure) | {
        "structure_hash": rows[0]["structure_hash"],
        "references": str(references),
    }
    cif, poscar = STRUCTURES
    return {
        JOB: json.dumps(document, indent=1, allow_nan=False).encode(),
        cif: str(structure.to(fmt="cif")).encode(),
        poscar: str(structure.to(fmt="poscar")).encode(),
    }


def describe(job: "Job", formula: str, structure: "Structure") -> dict[str, Any]:
    """Return what ``job.json`` holds; docs/validation.md says what each field is."""
    document = {
        "format": JOB_FORMAT,
        "job_id": job.job_id,
        "attempt": 2 - job.attempt % 2,
        "validator": job.validator,
        "material_id": job.material_id,
        "formula": formula,
        "method": {**job.settings, "name": job.method},
        "properties": sorted(job.properties),
        "units": {name: unit_of(name) for name in sorted(job.properties)},
        "structure": {
            "lattice": structure.lattice.matrix.tolist(),
            "species": [str(site.specie) for site in structure],
            "fractional_coordinates": structure.frac_coords.tolist(),
        },
    }
    if any(name.startswith(_EDGES) for name in job.properties):
        with suppress(
            CatalystError
        ):  # of an element whose electronegativity is not known; the program says so
            document["midgap_ev"] = midgap(formula)
    return document
