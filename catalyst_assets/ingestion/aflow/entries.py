"""Cached AFLUX pages into records, in both of their shapes.

The older one is an object "1 of 912": entry with every value a string, the newer one a list with typed values.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.pages import PageParser, build_structure
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.crystals import MOST_SITES
from catalyst_assets.ingestion.reading.tables import parse_number, shown
from catalyst_assets.ingestion.records import Problem, Value, read_field

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

KEYWORDS: Final = (
    "auid",
    "aurl",
    "catalog",
    "dft_type",
    "ldau_TLUJ",
    "geometry",
    "species",
    "composition",
    "positions_fractional",
    "Egap",
    "enthalpy_formation_atom",
)
_PROPERTIES: Final = {
    "Egap": ("band_gap", "eV"),
    "enthalpy_formation_atom": ("formation_energy_per_atom", "eV/atom"),
}
_METHODS: Final = {"PAW_PBE": "PBE"}
_ORDER: Final = re.compile(r"(\d+) of (\d+)")
_STAMP: Final = re.compile(r"(\d{8}_\d{2}:\d{2}:\d{2})_GMT([+-]\d{1,2})(?::?(\d{2}))?")
_NAME: Final = re.compile(r"aflow:[0-9a-f]{16}")
# AFLOW writes 1e9 and 1e12 where it has no number.
_SENTINEL: Final = 1e9


class AflowParser(PageParser):
    """Reads pages of AFLUX."""

    kind: Final = "aflux_page"
    identity = "auid"

    def list_entries(self, page: Any) -> list[Any] | None:
        """Return the entries of either shape of reply."""
        return list_entries(page)

    def identify(self, entry: Any) -> str:
        """Return an entry's auid without its prefix."""
        given = entry.get("auid") if isinstance(entry, dict) else None
        text = given.strip() if isinstance(given, str) else ""
        return text.removeprefix("aflow:") if _NAME.fullmatch(text) else ""

    def read(
        self, raw: RawFile, entry: Any, problems: list[Problem]
    ) -> "tuple[Structure | None, tuple[Value, ...]]":
        """Return the relaxed crystal, and the gap and formation energy with their method."""
        fields = entry if isinstance(entry, dict) else {}
        values = _read_values(fields, problems)
        return _build(fields, problems), values


def list_entries(page: Any) -> list[Any] | None:
    """Return the entries of a decoded reply, in their order; None when it is none."""
    if page is None:
        return []
    if isinstance(page, list):
        return page
    if isinstance(page, dict):
        numbers = {key: _ORDER.fullmatch(key) for key in page}
        if all(numbers.values()):
            return [page[key] for key in sorted(page, key=lambda key: int(key.split()[0]))]
    return None


def count_announced(page: Any) -> int | None:
    """Return how many entries an older reply says there are in all; newer ones do not say."""
    first = next(iter(page), None) if isinstance(page, dict) else None
    found = _ORDER.fullmatch(first) if isinstance(first, str) else None
    return int(found[2]) if found else None


def _read_values(entry: Mapping[str, Any], problems: list[Problem]) -> tuple[Value, ...]:
    numbers: dict[str, float] = {}
    for keyword in _PROPERTIES:
        number = read_field(parse_number, entry.get(keyword), keyword, problems)
        if number is not None and abs(number) < _SENTINEL:
            numbers[keyword] = number
    if not numbers:
        return ()
    functionals = {text for text in _texts(entry.get("dft_type")) if text}
    method = _METHODS.get(functionals.pop()) if len(functionals) == 1 else None
    if method is None:
        reason = f"{shown(entry.get('dft_type'))} does not name a method that is stored"
        problems.append(Problem("dft_type", f"{reason}, so {', '.join(numbers)} cannot be kept apart"))
        return ()
    if any(_texts(entry.get("ldau_TLUJ"))):
        method = "PBE+U"
    return tuple(
        Value(_PROPERTIES[keyword][0], number, _PROPERTIES[keyword][1], method, keyword)
        for keyword, number in numbers.items()
    )


def _build(entry: Mapping[str, Any], problems: list[Problem]) -> "Structure | None":
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.periodic_table import Element
    from pymatgen.core.structure import Structure

    species = [text for text in _texts(entry.get("species")) if text]
    geometry = read_field(lambda given: _numbers(given, 6), entry.get("geometry"), "geometry", problems)
    composition = entry.get("composition")
    counts = read_field(lambda given: _numbers(given, len(species)), composition, "composition", problems)
    fractional = entry.get("positions_fractional")
    positions = read_field(_rows, fractional, "positions_fractional", problems)
    unknown = [text for text in species if not Element.is_valid_symbol(text)]
    if not species or unknown:
        problems.append(Problem("species", f"{shown(unknown or entry.get('species'))}: no chemical elements"))
    if geometry is None or counts is None or positions is None or problems:
        return None
    if any(count != int(count) or not 0 < count <= MOST_SITES for count in counts):
        problems.append(Problem("composition", f"{shown(composition)} are not whole numbers of atoms"))
        return None
    if sum(counts) != len(positions):
        reason = f"are {len(positions)}, but the composition has {sum(counts):g} atoms"
        problems.append(Problem("positions_fractional", reason))
        return None
    symbols = [symbol for symbol, count in zip(species, counts, strict=True) for _ in range(int(count))]
    return build_structure(
        lambda: Structure(Lattice.from_parameters(*geometry), symbols, positions), "geometry", problems
    )


def _texts(given: Any) -> list[str]:
    parts = given if isinstance(given, list) else str(given or "").split(",")
    return [str(part or "").strip() for part in parts]


def _numbers(given: Any, count: int) -> list[float]:
    parts = given if isinstance(given, list) else str(given or "").split(",")
    numbers = [parse_number(part) for part in parts]
    if len(numbers) != count or any(number is None or math.fabs(number) >= _SENTINEL for number in numbers):
        raise ValueError(f"{shown(given)} are not {count} numbers")
    return [number for number in numbers if number is not None]


def _rows(given: Any) -> list[list[float]]:
    rows = given if isinstance(given, list) else str(given or "").strip().rstrip(";").split(";")
    if not 0 < len(rows) <= MOST_SITES:
        raise ValueError(f"are not 1 to {MOST_SITES} positions")
    return [_numbers(row, 3) for row in rows]


def read_stamp(entry: Any) -> str | None:
    """Return the latest date of an entry in UTC as ISO text; None when it has none that can be read."""
    given = entry.get("aflowlib_date") if isinstance(entry, dict) else None
    texts = given if isinstance(given, list) else str(given).split(",")
    stamps = []
    for text in texts:
        found = _STAMP.fullmatch(str(text).strip())
        if found:
            try:
                moment = datetime.strptime(found[1], "%Y%m%d_%H:%M:%S")
                offset = timedelta(hours=int(found[2]))
                stamps.append(moment.replace(tzinfo=timezone(offset)).astimezone(UTC).isoformat())
            except (ValueError, OverflowError):
                continue
    return max(stamps, default=None)
