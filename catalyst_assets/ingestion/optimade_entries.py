"""Cached OPTIMADE pages into records; an entry that is no ordered crystal is refused with the field that says so."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.crystals import MOST_SITES
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection, Value
from catalyst_assets.ingestion.tables import shown

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

FIELDS: Final = (
    "last_modified",
    "nsites",
    "dimension_types",
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
)
_LONGEST_ID: Final = 128
_FULL: Final = 1e-6  # how far a concentration may be from 1


class OptimadeParser:
    """Reads pages by the properties that were recorded with them."""

    kind: Final = "optimade_page"
    is_snapshot = False

    def survey(self, raw: RawFile, data: bytes) -> Contents:
        """Count a page's entries and find those that come twice.

        Raises
        ------
        SourceError
            The bytes are no page.
        """
        entries = _read_page(raw, data)
        names = tuple((_place(index), _identify(entry)) for index, entry in enumerate(entries))
        first: dict[str, int] = {}
        duplicates = {
            index: first[name]
            for index, (_, name) in enumerate(names)
            if name and first.setdefault(name, index) != index
        }
        return Contents(len(entries), duplicates, names)

    def parse(
        self, raw: RawFile, data: bytes, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each entry in ``[start, stop)``."""
        properties = raw.request["parameters"]["properties"]
        for index, entry in enumerate(_read_page(raw, data)[start:stop], start):
            problems: list[Problem] = []
            name = _identify(entry)
            if not name:
                problems.append(Problem("id", "is missing, or cannot name a record"))
            if index in duplicates:
                problems.append(Problem("id", f"{name} was already given by an earlier entry"))
            attributes = entry.get("attributes") if isinstance(entry, dict) else None
            if not isinstance(attributes, dict):
                attributes = {}
                problems.append(Problem("attributes", "are missing"))
            values = _read_values(attributes, properties, raw.source, problems)
            structure = None if problems else _build(attributes, problems)
            if structure is None:
                fields = [problem.field for problem in problems]
                payload = {"url": raw.url, "entry": index, "record": name, "fields": fields}
                yield Rejection(_place(index), tuple(problems), payload)
            else:
                yield Record(raw.source, name, _place(index), structure, values)


def _read_page(raw: RawFile, data: bytes) -> list[Any]:
    try:
        page = json.loads(data)
    except (ValueError, RecursionError):
        page = None
    entries = page.get("data") if isinstance(page, dict) else None
    if not isinstance(entries, list):
        raise SourceError(f"The cached page {raw.url} is no page of structures.", "Refresh the source.")
    return entries


def _place(index: int) -> str:
    return f"entry {index}"


def _identify(entry: Any) -> str:
    """Return an entry's id as text; empty when it cannot name a record."""
    given = entry.get("id") if isinstance(entry, dict) else None
    name = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    usable = 0 < len(name) <= _LONGEST_ID and name.isprintable() and not any(map(str.isspace, name))
    return name if usable else ""


def _read_values(
    attributes: Mapping[str, Any],
    properties: Mapping[str, Mapping[str, Any]],
    source: str,
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
        elif not _is_number(found):
            problems.append(Problem(path, f"{shown(str(found))} is not a number"))
        else:
            values.append(Value(content["property"], float(found), content["unit"], content["method"], path))
    return tuple(values)


def _build(attributes: Mapping[str, Any], problems: list[Problem]) -> "Structure | None":
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    periodic = attributes.get("dimension_types")
    if periodic is not None and periodic != [1, 1, 1]:
        problems.append(Problem("dimension_types", f"{shown(str(periodic))}: not periodic in all directions"))
    lattice = _matrix(attributes, "lattice_vectors", 3, problems)
    sites = attributes.get("species_at_sites")
    if not isinstance(sites, list) or not 0 < len(sites) <= MOST_SITES:
        problems.append(Problem("species_at_sites", f"is not a list of 1 to {MOST_SITES} names"))
        return None
    positions = _matrix(attributes, "cartesian_site_positions", len(sites), problems)
    count = attributes.get("nsites")
    if count is not None and count != len(sites):
        problems.append(Problem("nsites", f"is {shown(str(count))}, but {len(sites)} sites are given"))
    symbols = _read_symbols(attributes, sites, problems)
    if problems:
        return None
    try:
        return Structure(Lattice(lattice), symbols, positions, coords_are_cartesian=True)
    except Exception as error:
        # A lattice without volume fails deep inside numpy; the entry is bad, not the page.
        problems.append(
            Problem("lattice_vectors", f"span no crystal ({type(error).__name__}: {shown(str(error))})")
        )
        return None


def _matrix(attributes: Mapping[str, Any], field: str, rows: int, problems: list[Problem]) -> list[Any]:
    value = attributes.get(field)
    fits = (
        isinstance(value, list)
        and len(value) == rows
        and all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in value)
    )
    if not fits:
        problems.append(Problem(field, f"is not {rows} rows of three finite numbers"))
    return value if isinstance(value, list) else []


def _read_symbols(attributes: Mapping[str, Any], sites: list[Any], problems: list[Problem]) -> list[str]:
    """Return the element on each site; providers that leave out ``species`` name sites by element."""
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
            and (share is None or (isinstance(share, list) and len(share) == 1 and _is_one(share[0])))
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
    return [symbol or "" for symbol in symbols]


def _is_one(value: Any) -> bool:
    return _is_number(value) and abs(value - 1) < _FULL


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
