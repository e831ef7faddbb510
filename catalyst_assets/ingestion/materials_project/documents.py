"""Summary documents of the Materials Project into records, from the interface's pages or its table alike.

Energies come from its mixing scheme (Kingsbury et al., npj Comput. Mater. 8, 195 (2022)): corrected, with PBE, PBE+U
and r2SCAN on one hull, and the document does not say which of them a material has. So they get a method of their own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.materials_project.ids import identify_material
from catalyst_assets.ingestion.materials_project.spec import LICENCE
from catalyst_assets.ingestion.pages import PageParser, build_structure, dict_in, is_matrix, is_number, is_one
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.crystals import MOST_SITES
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem, Value

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

NON_COMMERCIAL: Final = "CC-BY-NC-4.0"
NON_COMMERCIAL_BATCH: Final = "gnome_r2scan_statics"
MIXED: Final = "GGA/GGA+U/r2SCAN"
FIELDS: Final = (
    "material_id",
    "last_updated",
    "deprecated",
    "builder_meta",
    "structure",
    "formation_energy_per_atom",
    "energy_above_hull",
    "band_gap",
)
_ENERGIES: Final = ("formation_energy_per_atom", "energy_above_hull")
_LICENCES: Final = {None: LICENCE, "BY-C": LICENCE, "BY-NC": NON_COMMERCIAL}
# What is on the hull may come out a rounding error below it.
_ROUNDING_EV: Final = 1e-6


class SummaryParser(PageParser):
    """Reads pages of summary documents.

    Deprecated materials, and those under a non-commercial licence unless they were asked for, are left out.
    """

    kind: str = "mp_summary"
    identity = "material_id"

    def identify(self, entry: Any) -> str:
        """Return a document's material in its one spelling."""
        return identify_material(entry)

    def is_left_out(self, raw: RawFile, entry: Any) -> bool:
        """Tell what was not asked for, though it came."""
        return is_left_out(entry, bool(raw.request["parameters"]["non_commercial"]))

    def find_licence(self, entry: Any) -> str:
        """Return what the document itself says."""
        return find_licence(entry) or ""

    def read(
        self, raw: RawFile, entry: Any, problems: list[Problem]
    ) -> "tuple[Structure | None, tuple[Value, ...]]":
        """Return the crystal, and its energies and gap with their methods."""
        fields = entry if isinstance(entry, dict) else {}
        if find_licence(fields) is None:
            given = dict_in(fields, "builder_meta").get("license")
            problems.append(Problem("builder_meta.license", f"{shown(given)} is not a known licence"))
        values = _read_values(fields, problems)
        return _build(dict_in(fields, "structure"), problems), values


def is_left_out(document: Any, non_commercial: bool) -> bool:
    """Tell whether a document is not to be loaded: deprecated, or under a licence that was not asked for."""
    if not isinstance(document, dict):
        return False
    return document.get("deprecated") is True or (
        not non_commercial and find_licence(document) == NON_COMMERCIAL
    )


def find_licence(document: Any) -> str | None:
    """Return a document's licence, None where it names one that is not known."""
    meta = dict_in(document, "builder_meta")
    if meta.get("batch_id") == NON_COMMERCIAL_BATCH:
        return NON_COMMERCIAL
    given = meta.get("license")
    return _LICENCES.get(given) if given is None or isinstance(given, str) else None


def _read_values(document: Mapping[str, Any], problems: list[Problem]) -> tuple[Value, ...]:
    batch = str(dict_in(document, "builder_meta").get("batch_id") or "")
    methods = dict.fromkeys(_ENERGIES, (MIXED, "eV/atom"))
    methods["band_gap"] = ("r2SCAN" if "r2scan" in batch.lower() else "PBE/PBE+U", "eV")
    values = []
    for field, (method, unit) in methods.items():
        given = document.get(field)
        if given is None:
            continue
        if not is_number(given):
            problems.append(Problem(field, f"{shown(given)} is not a finite number"))
            continue
        number = float(given)
        if field == "energy_above_hull" and -_ROUNDING_EV < number < 0:
            number = 0.0
        values.append(Value(field, number, unit, method, field))
    return tuple(values)


def _build(structure: Mapping[str, Any], problems: list[Problem]) -> "Structure | None":
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    lattice = dict_in(structure, "lattice")
    matrix: Any = lattice.get("matrix")
    periodic, sites = lattice.get("pbc"), structure.get("sites")
    if not is_matrix(matrix, 3):
        problems.append(Problem("structure.lattice.matrix", "is not three rows of three finite numbers"))
    if periodic is not None and (not isinstance(periodic, list | tuple) or list(periodic) != [True] * 3):
        problems.append(Problem("structure.lattice.pbc", "is not periodic in all directions"))
    if not isinstance(sites, list) or not 0 < len(sites) <= MOST_SITES:
        problems.append(Problem("structure.sites", f"is not a list of 1 to {MOST_SITES} sites"))
        return None
    symbols = [_symbol(site) for site in sites]
    if not all(symbols):
        bad = symbols.index("")
        problems.append(
            Problem("structure.sites", f"site {bad} does not hold one chemical element, and all of it")
        )
    positions: list[Any] = [site.get("abc") if isinstance(site, dict) else None for site in sites]
    if not is_matrix(positions, len(positions)):
        problems.append(Problem("structure.sites", "positions are not three finite numbers each"))
    if problems:
        return None
    return build_structure(
        lambda: Structure(Lattice(matrix), symbols, positions), "structure.lattice", problems
    )


def _symbol(site: Any) -> str:
    """Return the element that is alone on a site, empty when that is not so."""
    from pymatgen.core.periodic_table import Element

    species = site.get("species") if isinstance(site, dict) else None
    only = species[0] if isinstance(species, list) and len(species) == 1 else None
    symbol = only.get("element") if isinstance(only, dict) and is_one(only.get("occu")) else None
    return symbol if isinstance(symbol, str) and Element.is_valid_symbol(symbol) else ""
