"""Cached OPTIMADE pages into records; an entry that is no ordered crystal is refused with the field that says so.

What an entry says of itself besides its sites is heeded: `plain` judges it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.optimade.plain import find_contradictions, find_special
from catalyst_assets.ingestion.pages import PageParser, build_structure, is_matrix, is_number, is_one
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.crystals import MOST_SITES
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem, Value
from catalyst_assets.vocabulary.known import stored_as

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

FIELDS: Final = (
    "last_modified",
    "nsites",
    "elements",
    "nelements",
    "chemical_formula_reduced",
    "structure_features",
    "assemblies",
    "nperiodic_dimensions",
    "dimension_types",
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
)
_LONGEST_ID: Final = 128


class OptimadeParser(PageParser):
    """Reads pages by the properties that were recorded with them."""

    kind: Final = "optimade_page"
    identity = "id"

    def identify(self, entry: Any) -> str:
        """Return an entry's id as text; some providers give numbers."""
        given = entry.get("id") if isinstance(entry, dict) else None
        name = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
        usable = 0 < len(name) <= _LONGEST_ID and name.isprintable() and not any(map(str.isspace, name))
        return name if usable else ""

    def read(
        self, raw: RawFile, entry: Any, problems: list[Problem]
    ) -> "tuple[Structure | None, tuple[Value, ...]]":
        """Return the crystal, and the values that the provider's file names."""
        attributes = entry.get("attributes") if isinstance(entry, dict) else None
        if not isinstance(attributes, dict):
            problems.append(Problem("attributes", "are missing"))
            return None, ()
        values = _read_values(attributes, raw.request["parameters"]["properties"], problems)
        return _build(attributes, problems), values


def _read_values(
    attributes: Mapping[str, Any],
    properties: Mapping[str, Mapping[str, Any]],
    problems: list[Problem],
) -> tuple[Value, ...]:
    values = []
    for path, content in properties.items():
        found: Any = attributes
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            if content["required"]:
                problems.append(Problem(path, "is missing"))
        elif not is_number(found):
            problems.append(Problem(path, f"{shown(str(found))} is not a number"))
        else:
            try:
                unit, converted = stored_as(content["property"], content["unit"])
            except ValueError as error:  # of a property that is declared in another unit now
                problems.append(Problem(path, str(error)))
                continue
            values.append(Value(content["property"], converted(float(found)), unit, content["method"], path))
    return tuple(values)


def _build(attributes: Mapping[str, Any], problems: list[Problem]) -> "Structure | None":
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    problems += find_special(attributes)
    lattice = _matrix(attributes, "lattice_vectors", 3, problems)
    sites = attributes.get("species_at_sites")
    if not isinstance(sites, list) or not 0 < len(sites) <= MOST_SITES:
        problems.append(Problem("species_at_sites", f"is not a list of 1 to {MOST_SITES} names"))
        return None
    positions = _matrix(attributes, "cartesian_site_positions", len(sites), problems)
    symbols = _read_symbols(attributes, sites, problems)
    if symbols:
        problems += find_contradictions(attributes, symbols)
    if problems:
        return None
    return build_structure(
        lambda: Structure(Lattice(lattice), symbols, positions, coords_are_cartesian=True),
        "lattice_vectors",
        problems,
        "span",
    )


def _matrix(attributes: Mapping[str, Any], field: str, rows: int, problems: list[Problem]) -> list[Any]:
    value = attributes.get(field)
    if not is_matrix(value, rows):
        problems.append(Problem(field, f"is not {rows} rows of three finite numbers"))
    return value if isinstance(value, list) else []


def _read_symbols(attributes: Mapping[str, Any], sites: list[Any], problems: list[Problem]) -> list[str]:
    """Return the element on each site, none where one is no whole element; providers that leave out ``species`` name sites by element."""
    from pymatgen.core.periodic_table import Element

    described: dict[str, str | None] = {}
    species = attributes.get("species")
    for item in species if isinstance(species, list) else []:
        if not isinstance(item, dict):
            continue
        chemical, share = item.get("chemical_symbols"), item.get("concentration")
        whole = (
            isinstance(chemical, list)
            and len(chemical) == 1
            and (share is None or (isinstance(share, list) and len(share) == 1 and is_one(share[0])))
            and not item.get("attached")
        )
        described[str(item.get("name"))] = str(chemical[0]) if whole and isinstance(chemical, list) else None
    symbols = [described.get(str(site), str(site)) for site in sites]
    named = dict(zip(map(str, sites), symbols, strict=True))
    bad = [name for name, symbol in named.items() if symbol is None or not Element.is_valid_symbol(symbol)]
    if bad:
        problems.append(
            Problem("species", f"{shown(', '.join(bad))}: a site must hold one element, and all of it")
        )
    return [] if bad else [symbol or "" for symbol in symbols]
