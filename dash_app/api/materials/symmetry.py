"""Which space group a stored structure has: asked of spglib alone, which answers for cells of people's size in milliseconds."""

from typing import Any, Final

from dash_app.material_contract import Symmetry

# As crystals of several sources are compared (`catalyst_assets.ingestion.derived.identity`).
TOLERANCE_ANGSTROM: Final = 0.1
# Of larger cells the search takes longer than a request should.
_MOST_SITES: Final = 200
# The last number of each.
_SYSTEMS: Final = (
    (2, "triclinic"),
    (15, "monoclinic"),
    (74, "orthorhombic"),
    (142, "tetragonal"),
    (167, "trigonal"),
    (194, "hexagonal"),
    (230, "cubic"),
)


def find_symmetry(structure: dict[str, Any] | None) -> Symmetry | None:
    """Return the symmetry of a structure as pymatgen writes it; None where there is none to be found, or the cell is large."""
    import spglib

    if structure is None:
        return None
    lattice = (structure.get("lattice") or {}).get("matrix")
    sites = structure.get("sites") or []
    if lattice is None or not 0 < len(sites) <= _MOST_SITES:
        return None
    try:
        species = [site["species"][0]["element"] for site in sites]
        positions = [site["abc"] for site in sites]
        kinds = {name: number for number, name in enumerate(sorted(set(species)))}
        found = spglib.get_symmetry_dataset(
            (lattice, positions, [kinds[name] for name in species]), symprec=TOLERANCE_ANGSTROM
        )
    except (KeyError, IndexError, TypeError, ValueError, spglib.SpglibError):
        return None
    if found is None:
        return None
    system = next(name for last, name in _SYSTEMS if found.number <= last)
    return Symmetry(number=found.number, symbol=found.international, crystal_system=system)
